// Lines that fetch the same observations in a terminal, Python, R or DuckDB, ready to be run as they are.

import { address as urlOf, type Parameters } from "../api/ask";

export const LANGUAGES = ["curl", "python", "passerelle", "r", "duckdb"] as const;
export type SnippetLanguage = (typeof LANGUAGES)[number];

export interface Wanted {
  /** The path of the observations, from `/api/v1` on. */
  path: string;
  /** `start` and `as_known_at`, where they are asked for. */
  parameters: Parameters;
  /** What the file is called, without its ending. */
  name: string;
  /** The series, where it is one. */
  series?: string;
}

/** The lines of each language; the client's own only for a series, which it has a method for. */
export function snippetsOf(wanted: Wanted, origin: string): Partial<Record<SnippetLanguage, string>> {
  const parquet = `${origin}${urlOf(wanted.path, { ...wanted.parameters, format: "parquet" })}`;
  const file = `${wanted.name}.parquet`;
  const curl = `curl --fail --output ${file} "${parquet}"`;
  return {
    curl,
    python: [
      "import io, urllib.request",
      "import polars as pl",
      "",
      `with urllib.request.urlopen("${parquet}") as answer:`,
      "    observations = pl.read_parquet(io.BytesIO(answer.read()))",
      "print(observations)",
    ].join("\n"),
    ...(wanted.series === undefined ? {} : { passerelle: clientOf(wanted.series, wanted.parameters, origin) }),
    r: [
      `download.file("${parquet}", "${file}", mode = "wb")`,
      `observations <- arrow::read_parquet("${file}")`,
      "print(observations)",
    ].join("\n"),
    duckdb: [curl, `duckdb -c "SELECT start, value FROM read_parquet('${file}') ORDER BY start"`].join("\n"),
  };
}

function clientOf(series: string, parameters: Parameters, origin: string): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const more = given.map(([name, value]) => `, ${name}="${String(value)}"`).join("");
  return [
    "import passerelle",
    "",
    `with passerelle.connect("${origin}") as city:`,
    `    observations = city.observations("${series}"${more})`,
    "print(observations)",
  ].join("\n");
}
