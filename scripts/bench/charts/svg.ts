/** SVG as text: elements within elements, with everything escaped. */

export type Attributes = Readonly<Record<string, string | number>>;

/** Finished SVG source; made by `element` and `text` alone. */
export interface Svg {
  readonly source: string;
}

export function element(name: string, attributes: Attributes, children: readonly Svg[] = []): Svg {
  const written = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(typeof value === "number" ? rounded(value) : value)}"`)
    .join("");
  const inner = children.map(({ source }) => source).join("");
  return { source: inner === "" ? `<${name}${written}/>` : `<${name}${written}>${inner}</${name}>` };
}

/** Text with its baseline at x, y. */
export function text(x: number, y: number, content: string, attributes: Attributes = {}): Svg {
  return element("text", { x, y, ...attributes }, [{ source: escaped(content) }]);
}

/** A whole file: white paper of this size, and one typeface. */
export function svgFile(width: number, height: number, title: string, children: readonly Svg[]): string {
  const root = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${rounded(width)} ${rounded(height)}`,
      width,
      height,
      "font-family": "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif",
      "font-size": 12,
      fill: INK,
    },
    [
      element("title", {}, [{ source: escaped(title) }]),
      element("rect", { width, height, fill: "#ffffff" }),
      ...children,
    ],
  );
  return `${root.source}\n`;
}

export const INK = "#1f2933";
export const FAINT_INK = "#6b7785";
export const RULE = "#dde3ea";
export const GOOD = "#2f9e62";
export const BAD = "#d9553f";
/** Far enough apart for most eyes that see few colours. */
export const COLOURS = ["#3367b0", "#e08a1e", "#2f9e8f", "#a04fa8", "#8a6d3b", "#c2405f"] as const;

export function colourOf(position: number): string {
  return COLOURS[position % COLOURS.length] ?? INK;
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escaped(value: string): string {
  return value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
