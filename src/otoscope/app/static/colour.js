// Colour: ramps from paper to ink with lightness in equal steps (OKLab), made for the paper they stand on.

const polynomial = (x, coefficients) => coefficients.reduceRight((sum, c) => sum * x + c, 0);

// Lightness, chroma and hue as polynomials of the value. 0 is the page itself; warm and cool share one lightness.
const RAMPS = {
  light: {
    sound: [[0.991, -0.79], [0.002], [250]],
    warm: [[0.991, -0.72], [0.004, 0.26, 0.28, -0.46], [72, -70, -70]],
    plus: [[0.991, -0.72], [0.004, 0.26, 0.28, -0.46], [60, -40, -40]],
    cool: [[0.991, -0.72], [0.004, 0.2, 0.14, -0.27], [228, 12, 34]],
  },
  dark: {
    sound: [[0.19, 0.76], [0.006], [250]],
    warm: [[0.19, 0.77], [0.006, 0.46, -0.26, -0.12], [318, 40, 96]],
    plus: [[0.19, 0.77], [0.006, 0.4, -0.22, -0.1], [22, 50, 20]],
    cool: [[0.19, 0.77], [0.006, 0.24, -0.04, -0.12], [268, -30, -20]],
  },
};
const COLOURS = 1024;
const NAMES = ["paper", "ink", "ink2", "ink3", "rule", "rule2", "mid", "warm", "cool"];

// Linear red, green and blue of a lightness, chroma and hue (Ottosson 2020).
function linearRgb(L, C, hue) {
  const a = C * Math.cos((hue * Math.PI) / 180);
  const b = C * Math.sin((hue * Math.PI) / 180);
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

// sRGB from 0 to 255, with less chroma where the colour could not be shown.
export function oklch(L, C, hue) {
  const outside = (rgb) => rgb.some((v) => v < -1e-4 || v > 1.0001);
  let rgb = linearRgb(L, C, hue);
  if (outside(rgb)) {
    let low = 0;
    let high = C;
    for (let i = 0; i < 14; i++) {
      const middle = (low + high) / 2;
      if (outside(linearRgb(L, middle, hue))) high = middle;
      else low = middle;
    }
    rgb = linearRgb(L, low, hue);
  }
  return rgb.map((v) => 255 * (v <= 0.0031308 ? 12.92 * Math.max(v, 0) : 1.055 * Math.min(v, 1) ** (1 / 2.4) - 0.055));
}

// Red, green and blue of `rgb(…)`, or of `#rrggbb`.
export function rgbOf(text) {
  if (text.startsWith("#")) return [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
  return text.match(/[\d.]+/g).slice(0, 3).map(Number);
}

const isDark = (rgb) => 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2] < 110;

// The colours of the page as they stand now, whichever theme set them.
export function tokens(element) {
  const style = getComputedStyle(element);
  const probe = document.createElement("i");
  element.append(probe);
  const css = {};
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    css[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  css.sans = style.getPropertyValue("--sans").trim();
  css.dark = isDark(rgbOf(css.paper));
  return css;
}

function ramp(name, paper, mode) {
  const [lightness, chroma, hue] = RAMPS[mode][name];
  const keys = Array.from({ length: 129 }, (_, i) => {
    const x = i / 128;
    return oklch(polynomial(x, lightness), Math.max(0, polynomial(x, chroma)), polynomial(x, hue));
  });
  const out = new Uint32Array(COLOURS);
  for (let i = 0; i < COLOURS; i++) {
    const x = i / (COLOURS - 1);
    const j = Math.min(127, (x * 128) | 0);
    const u = x * 128 - j;
    const ink = Math.min(1, x / 0.06); // the first colours are blended with the paper
    const [r, g, b] = keys[j].map((a, c) => Math.round(paper[c] + (a + (keys[j + 1][c] - a) * u - paper[c]) * ink));
    out[i] = 0xff000000 | (b << 16) | (g << 8) | r;
  }
  return out;
}

// Tables of 1,024 colours (ABGR, as canvases hold them) for the colours of a page.
export function ramps(css) {
  const paper = rgbOf(css.paper);
  const mode = isDark(paper) ? "dark" : "light";
  const lut = { signed: new Uint32Array(COLOURS) };
  for (const name of ["sound", "warm", "cool", "plus"]) lut[name] = ramp(name, paper, mode);
  for (let i = 0; i < COLOURS; i++) {
    const half = COLOURS / 2;
    lut.signed[i] = i < half ? lut.cool[Math.max(0, (half - 1 - i) * 2)] : lut.plus[Math.min(COLOURS - 1, (i - half) * 2)];
  }
  return lut;
}
