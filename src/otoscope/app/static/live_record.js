// A recording from the microphone, as it is: the browser is asked to leave out what it does for telephone calls.

import { joined } from "./live_wav.js";
import { peakOf } from "./signal.js";

const AS_IT_IS = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };

const WHY = {
  NotAllowedError: "The browser was not allowed to use the microphone: allow it beside the address, and try again.",
  NotFoundError: "No microphone was found.",
  NotReadableError: "The microphone is used by another program.",
};

// A sentence for what kept the browser from listening.
export const whyDeaf = (error) => WHY[error?.name] ?? `The microphone could not be used: ${error?.message ?? error}.`;

// Listen until stop() or cancel() is called. `heard` is told the peak and the seconds so far; `full` is called once the
// recording is as long as may be.
export async function record({ longest, heard, full }) {
  if (!navigator.mediaDevices) {
    throw new Error("The browser gives the microphone only to pages of this machine, or over https.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
  } catch (error) {
    throw new Error(whyDeaf(error), { cause: error });
  }
  const context = new AudioContext();
  const pieces = [];
  let length = 0;
  const end = () => {
    for (const track of stream.getTracks()) track.stop();
    context.close();
  };
  try {
    await context.audioWorklet.addModule(new URL("./live_worklet.js", import.meta.url));
  } catch (error) {
    end();
    throw error;
  }
  const most = Math.floor(longest * context.sampleRate);
  const node = new AudioWorkletNode(context, "listener", { numberOfOutputs: 0 });
  node.port.onmessage = ({ data }) => {
    if (length >= most) return;
    pieces.push(data.subarray(0, most - length));
    length += data.length;
    heard(peakOf(data), Math.min(length, most) / context.sampleRate);
    if (length >= most) full();
  };
  context.createMediaStreamSource(stream).connect(node);
  return {
    cancel: end,
    stop() {
      end();
      return { samples: joined(pieces), rate: context.sampleRate };
    },
  };
}
