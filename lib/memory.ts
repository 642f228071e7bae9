/** MiB of "4G", "512M" or "2048"; undefined when the text is no amount of memory. */
export function parseMemoryMiB(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([MG])?(?:i?B)?$/i.exec(text.trim()) ?? [];
  return number === undefined ? undefined : Number(number) * (unit?.toUpperCase() === "G" ? 1024 : 1);
}
