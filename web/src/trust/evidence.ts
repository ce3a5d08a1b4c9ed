// A mark's evidence, told apart: it is whatever JSON its check found worth opening.

type Evidence = Record<string, unknown>;

export interface Names {
  gone: string[];
  fresh: string[];
  /** The numbers of the replies that were compared. */
  before: string;
  after: string;
}

export interface Row {
  start: string;
  value: number | null;
}

/** The names that went and came, where the replies changed. */
export function namesOf(evidence: Evidence): Names | null {
  const { gone, new: fresh, before, after } = evidence;
  return isTexts(gone) && isTexts(fresh) ? { gone, fresh, before: String(before), after: String(after) } : null;
}

/** The rows a check shows. */
export function rowsOf(evidence: Evidence): Row[] {
  const { rows } = evidence;
  return Array.isArray(rows) ? rows.filter(isRow) : [];
}

/** All else, by its own name, as text. */
export function restOf(evidence: Evidence): [name: string, value: string][] {
  return Object.entries(evidence)
    .filter(([name, value]) => !(name === "rows" && Array.isArray(value)))
    .map(([name, value]) => [name.replaceAll("_", " "), textOf(value)]);
}

function textOf(value: unknown): string {
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && "start" in value && "value" in value;
}
