// The look that an embedding page asks for: a colour, light or dark. Whatever colour it is, what stands on it and what
// is written in it can be read (WCAG AA: a contrast of 4.5 to 1).

const READABLE = 4.5;
const BACKS = { light: [226, 244, 230], dark: [29, 58, 39] }; // a person's messages: the hardest that links stand on

const parsed = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const written = (rgb) => "#" + rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("");

function luminance(rgb) {
  const [r, g, b] = rgb.map((part) => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

// `colour`, moved towards black or white until it can be read on `back`.
function readable(colour, back) {
  const towards = luminance(back) > 0.18 ? 0 : 255;
  for (let part = 0; part <= 1; part += 0.05) {
    const mixed = colour.map((value) => Math.round(value + (towards - value) * part));
    if (contrast(mixed, back) >= READABLE) return mixed;
  }
  return [towards, towards, towards];
}

// What goes with a brand colour; none: it is no colour.
export function palette(hex) {
  if (!/^#[0-9a-f]{6}$/i.test(hex || "")) return null;
  const brand = parsed(hex);
  const ink = contrast(brand, [255, 255, 255]) >= READABLE ? [255, 255, 255] : [0, 0, 0];
  return { brand: written(brand), ink: written(ink), light: written(readable(brand, BACKS.light)), dark: written(readable(brand, BACKS.dark)) };
}

export function dress({ color, theme }) {
  const root = document.documentElement, found = palette(color?.startsWith("#") ? color : "#" + (color || ""));
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  if (!found) return;
  root.style.setProperty("--brand", found.brand);
  root.style.setProperty("--brand-ink", found.ink);
  root.style.setProperty("--accent", `light-dark(${found.light}, ${found.dark})`);
}
