/** Compares names as people order versions: 12.9 before 12.11, 13 before 13.1, and -rc1 before the release. */
export function compareVersions(a: string, b: string): number {
  const split = (name: string) => name.match(/\d+(?:\.\d+)*|[^\d]+/g) ?? [];
  const [left, right] = [split(a), split(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = compareParts(left[index] ?? "", right[index] ?? "");
    if (order !== 0) return order;
  }
  return 0;
}

function compareParts(a: string, b: string): number {
  if (/^\d/.test(a) && /^\d/.test(b)) {
    const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
    for (let index = 0; index < Math.max(left.length, right.length); index++) {
      // 13 lies before 13.0: a missing number is less than any.
      const order = (left[index] ?? -1) - (right[index] ?? -1);
      if (order !== 0) return order;
    }
    return 0;
  }
  const early = (part: string) => /^[-_.~]?(alpha|beta|rc|daily|testing)/i.test(part);
  if (early(a) !== early(b)) return early(a) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
