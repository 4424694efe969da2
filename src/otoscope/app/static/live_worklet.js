// What the microphone hears, handed on as it is: runs in the thread of the audio, in a module of its own.

class Listener extends AudioWorkletProcessor {
  process([input]) {
    if (input[0]) this.port.postMessage(input[0].slice());
    return true;
  }
}

registerProcessor("listener", Listener);
