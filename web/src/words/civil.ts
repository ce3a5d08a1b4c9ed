// Civil time of a city: instants to wall clocks and back, whatever zone the reader's machine is in.

const formats = new Map<string, Intl.DateTimeFormat>();

function clock(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, format);
  }
  return format;
}

/** The wall clock of `zone` at `instant`, as milliseconds of a UTC day with the same reading. */
export function wallClock(instant: number, zone: string): number {
  const read = new Map(clock(zone).formatToParts(instant).map((part) => [part.type, Number(part.value)]));
  const part = (name: Intl.DateTimeFormatPartTypes) => read.get(name) ?? 0;
  return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
}

/** The instant at which the clocks of `zone` show `wall`; the later one where they show it twice. */
export function instantOf(wall: number, zone: string): number {
  const guess = wall - (wallClock(wall, zone) - wall);
  return wall - (wallClock(guess, zone) - guess);
}

/** `YYYY-MM-DDTHH:mm` on the clocks of `zone`, as a form's date-time field holds it. */
export function formatField(instant: number, zone: string): string {
  return new Date(wallClock(instant, zone)).toISOString().slice(0, 16);
}

/** The instant a form's date-time field means on the clocks of `zone`, or null where it is not complete. */
export function parseField(text: string, zone: string): number | null {
  const wall = Date.parse(`${text}Z`);
  return Number.isNaN(wall) ? null : instantOf(wall, zone);
}

/** RFC 3339 in UTC, to the second. */
export function formatInstant(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}

/** The instant a civil day (`YYYY-MM-DD`) begins in `zone`; a full timestamp is taken as it is. */
export function startOfDay(day: string, zone: string): number {
  return day.length > 10 ? Date.parse(day) : instantOf(Date.parse(`${day}T00:00Z`), zone);
}
