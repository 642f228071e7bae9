import ts from "typescript";

/** The JSDoc comments of the properties of an interface, by their names. */
export function interfaceComments(source: string, name: string): Map<string, string> {
  const found = find(
    source,
    (node): node is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(node) && node.name.text === name,
  );
  if (found === undefined) throw new Error(`There is no interface ${name}`);
  return comments(found.members);
}

/** The JSDoc comments in the `v.strictObject({…})` that has exactly these keys; undefined where there is none. */
export function schemaComments(source: string, keys: readonly string[]): Map<string, string> | undefined {
  const found = find(
    source,
    (node): node is ts.ObjectLiteralExpression =>
      ts.isObjectLiteralExpression(node) && ts.isCallExpression(node.parent) &&
      node.parent.expression.getText() === "v.strictObject" &&
      node.properties.map((each) => each.name?.getText()).join() === keys.join(),
  );
  return found && comments(found.properties);
}

function find<T extends ts.Node>(source: string, wanted: (node: ts.Node) => node is T): T | undefined {
  const visit = (node: ts.Node): T | undefined => wanted(node) ? node : ts.forEachChild(node, visit);
  return visit(ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true));
}

function comments(members: readonly ts.Node[]): Map<string, string> {
  return new Map(members.map((member) => {
    const [doc] = ts.getJSDocCommentsAndTags(member);
    const text = doc === undefined ? "" : ts.getTextOfJSDocComment(doc.comment as string) ?? "";
    return [(member as ts.PropertySignature).name.getText(), text.replaceAll(/\s+/g, " ").trim()];
  }));
}
