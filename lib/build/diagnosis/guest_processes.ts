import type { SshSession } from "../../ssh/session.ts";

// The second is BusyBox's, which knows no -e and prints a head line.
const command = "ps -eo pid=,ppid=,args= 2>/dev/null || ps -o pid,ppid,args";

/** What the programs that a script has started last are doing, as their command lines; empty when that cannot be told. */
export async function workOf(
  ssh: SshSession,
  script: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    const { stdout } = await ssh.exec(command, { timeoutMs: 5000, signal });
    return leavesBelow(stdout, script);
  } catch {
    return [];
  }
}

interface Row {
  readonly pid: string;
  readonly parent: string;
  readonly args: string;
}

/** The command lines without children of their own below any whose command line has this text in it. */
export function leavesBelow(list: string, marker: string): string[] {
  const rows = list.split("\n").flatMap((line): Row[] => {
    const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*\S)\s*$/.exec(line) ?? [];
    return pid === undefined || parent === undefined || args === undefined ? [] : [{ pid, parent, args }];
  });
  const childrenOf = ({ pid }: Row) => rows.filter(({ parent }) => parent === pid);
  const below = (row: Row): Row[] => {
    const children = childrenOf(row);
    return children.length === 0 ? [row] : children.flatMap(below);
  };
  const inside = rows.filter(({ args }) => args.includes(marker));
  const roots = inside.filter(({ parent }) => !inside.some(({ pid }) => pid === parent));
  return [...new Set(roots.flatMap(below).map(({ args }) => args))];
}
