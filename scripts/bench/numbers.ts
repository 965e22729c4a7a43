/** Numbers as people read them. */

/** Three significant digits: 0.0123, 1.23, 12.3, 123, 1,230; a dash for what was not measured. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value === 0) return "0";
  const digits = 2 - Math.floor(Math.log10(Math.abs(value)));
  if (digits > 0) return value.toFixed(Math.min(digits, 6));
  return grouped(Math.round(value / 10 ** -digits) * 10 ** -digits);
}

/** A whole number with commas. */
export function grouped(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 64, 16k, 1M: a power of ten's place on an axis. */
export function short(value: number): string {
  if (value >= 1_000_000) return `${trim(value / 1_000_000)}M`;
  return value >= 1_000 ? `${trim(value / 1_000)}k` : trim(value);
}

/** 64 B, 16 KiB, 1 MiB. */
export function bytesText(bytes: number): string {
  if (bytes >= 1024 ** 2) return `${trim(bytes / 1024 ** 2)} MiB`;
  return bytes >= 1024 ? `${trim(bytes / 1024)} KiB` : `${bytes} B`;
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)));
}
