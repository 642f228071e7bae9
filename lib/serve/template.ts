import type { Eta, EtaConfig } from "eta";
import { messageOf, UsageError } from "../errors.ts";
import { strict, TemplateMistake } from "./strict.ts";

/** A template file: its path, for errors, and what is in it. */
export interface Template {
  readonly path: string;
  readonly text: string;
}

/**
 * Renders an eta template with `data` as `it`. A line that holds nothing but `<% … %>` leaves no line behind.
 * Throws {@linkcode UsageError} that names file, line and variable.
 */
export async function renderTemplate(template: Template, data: object): Promise<string> {
  const eta = await createEta();
  const text = template.text.replaceAll("\r\n", "\n");
  let source: string;
  let render: ReturnType<Eta["compile"]>;
  try {
    source = eta.compileToString(text);
    render = eta.compile(text);
  } catch (cause) {
    throw syntaxProblem(eta, template, text, cause);
  }
  eta.RuntimeErr = (error, _text, line) => {
    throw problem(template, lineInTag(error, source, line), error);
  };
  return eta.render(render, strict(data, "it"));
}

async function createEta(): Promise<Eta> {
  const { Eta } = await import("eta");
  return new Eta({
    autoEscape: false,
    autoFilter: true,
    autoTrim: false,
    debug: true,
    useWith: false,
    filterFunction: printable as EtaConfig["filterFunction"],
    plugins: [{ processTemplate: trimTagLines, processAST: nameExpressions }],
  });
}

type Ast = Parameters<NonNullable<EtaConfig["plugins"][number]["processAST"]>>[0];

/** Hands the text of each printed expression to the filter, so that its errors can name it. */
function nameExpressions(ast: Ast): Ast {
  return ast.map((item) =>
    typeof item === "object" && (item.t === "i" || item.t === "r")
      ? { ...item, val: `${item.val}, ${JSON.stringify(item.val.trim())}` }
      : item
  );
}

/** What `<%= … %>` prints. "undefined" and "[object Object]" in an answer file are never meant. */
function printable(value: unknown, expression: string): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  if (value === undefined || value === null) {
    throw new TemplateMistake(`${expression} has no value`, `Guard it with: <% if (${expression}) { %>`);
  }
  const kind = Array.isArray(value) ? "a list" : typeof value === "function" ? "a function" : "a map";
  throw new TemplateMistake(
    `${expression} is ${kind}, not text`,
    Array.isArray(value)
      ? `Print it with: <%= ${expression}.join(" ") %>`
      : `Print it with: <%= it.json(${expression}) %>`,
  );
}

/** Lets eta swallow the line break after a tag that stands alone; all line numbers stay as they are. */
function trimTagLines(text: string): string {
  return text
    .replaceAll(/^[ \t]*(<%(?![-_]?\s*[=~])(?:(?!%>)[^])*?)[-_]?%>[ \t]*(?=\n)/gm, "$1-%>")
    // Eta skips blanks after `<%` without counting their lines.
    .replaceAll(/<%(?=[ \t]*\n)/g, "<%/**/");
}

/** The line of the template where an error came up, also inside a tag of several lines. */
function lineInTag(error: unknown, source: string, tagLine: number): number {
  const frame = error instanceof Error ? /<anonymous>:(\d+):\d+/.exec(error.stack ?? "")?.[1] : undefined;
  if (frame === undefined) return tagLine;
  // The Function constructor puts two lines before the source.
  const at = Number(frame) - 3;
  const lines = source.split("\n");
  for (let start = at; start >= 0; start--) {
    const mark = /^__eta\.line=(\d+)$/.exec(lines[start] ?? "")?.[1];
    if (mark !== undefined) return Number(mark) + Math.max(0, at - start - 1);
  }
  return tagLine;
}

function problem(template: Template, line: number, cause: unknown): UsageError {
  const hint = cause instanceof TemplateMistake ? cause.hint : undefined;
  return new UsageError(`${template.path}:${line}: ${messageOf(cause)}`, { cause, hint });
}

/** A template that does not compile: eta tells the line of an open tag or string, not of wrong JavaScript. */
function syntaxProblem(eta: Eta, template: Template, text: string, cause: unknown): UsageError {
  const [, what, line] = /^(.*) at line (\d+) col \d+/.exec(messageOf(cause)) ?? [];
  if (what !== undefined) {
    const hint = "Inside a tag, eta takes a quote in a // comment for the start of a text; /* … */ is safe.";
    return problem(template, Number(line), new TemplateMistake(what, hint));
  }
  const reason = /^Bad template syntax\s+(.*)/.exec(messageOf(cause))?.[1] ?? messageOf(cause);
  const bad = badTagLine(eta.parse(text), (ast) => eta.compileBody(ast));
  const lastLine = text.trimEnd().split("\n").length;
  return bad === undefined
    ? problem(template, lastLine, new Error("a block is still open at the end: <% } %> is missing"))
    : problem(template, bad, new Error(reason));
}

/** The line of the first tag after which nothing could make the template valid; undefined when only its end is missing. */
function badTagLine(ast: Ast, compile: (ast: Ast) => string): number | undefined {
  for (const [index, item] of ast.entries()) {
    if (typeof item === "object" && !canBeCompleted(compile(ast.slice(0, index + 1)))) return item.lineNo;
  }
  return undefined;
}

/** Whether a piece of JavaScript is whole, or would be with a few more closing braces. */
function canBeCompleted(code: string, depth = 5): boolean {
  if (isValid(code)) return true;
  return depth > 0 && ["}", "})"].some((end) => canBeCompleted(`${code}\n${end}`, depth - 1));
}

function isValid(code: string): boolean {
  try {
    new Function("it", code);
    return true;
  } catch {
    return false;
  }
}
