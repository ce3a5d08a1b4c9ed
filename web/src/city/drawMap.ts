// The map: the city's official areas below, its places above, each with the colour and size of its value's class.
// This module carries MapLibre and is loaded after the page.

import {
  AttributionControl,
  type ExpressionSpecification,
  type GeoJSONSource,
  type LayerSpecification,
  type LngLatBoundsLike,
  Map as MapLibre,
  NavigationControl,
  setWorkerUrl,
  type StyleSpecification,
} from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { City, Place } from "../api/answers";
import { ABSENT_RADIUS, CLASSES, RADII } from "./scale";

setWorkerUrl(workerUrl);

export interface MapWords {
  zoomIn: string;
  zoomOut: string;
  map: string;
}

export interface CityMap {
  /** The places of a layer; the map moves to where most of them are. */
  showPlaces(places: readonly Place[]): void;
  /** The look of each of those places, null where nothing stands. */
  showLooks(looks: ReadonlyMap<string, number | null>): void;
  showAreas(areas: GeoJSON.FeatureCollection): void;
  /** What is chosen: areas by their outline, places by a ring. */
  choose(geometries: readonly GeoJSON.Geometry[]): void;
  /** Reads the colours anew, after the reader's scheme changed. */
  recolour(): void;
  remove(): void;
}

export interface MapEvents {
  onchoose: (place: string) => void;
  onarea: (area: string) => void;
  onpoint: (place: string | null) => void;
}

const NOTHING: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
const NONE = -1;

export function drawMap(container: HTMLElement, city: City, words: MapWords, events: MapEvents): CityMap {
  const map = new MapLibre({
    container,
    style: makeStyle(city),
    bounds: city.bbox,
    fitBoundsOptions: { padding: 16 },
    maxBounds: widen(city.bbox),
    maxZoom: 18,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    cooperativeGestures: false,
    locale: {
      "NavigationControl.ZoomIn": words.zoomIn,
      "NavigationControl.ZoomOut": words.zoomOut,
      "Map.Title": words.map,
    },
  });
  map.scrollZoom.disable();
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new AttributionControl({ compact: true }), "bottom-right");
  const shown: string[] = [];
  listen(map, events, shown);
  return control(map, city, shown);
}

function control(map: MapLibre, city: City, shown: string[]): CityMap {
  const ready = new Promise<void>((resolve) => map.once("load", () => resolve()));
  const fill = (source: string, data: GeoJSON.GeoJSON) => map.getSource<GeoJSONSource>(source)?.setData(data);
  const looks = new Map<number, number>();
  let removed = false;
  const later = (act: () => void) => void ready.then(() => removed || act());
  return {
    showPlaces(places) {
      const placed = places.filter(({ centre }) => centre !== null);
      shown.splice(0, shown.length, ...placed.map(({ id }) => id));
      later(() => {
        looks.clear();
        map.removeFeatureState({ source: "places" });
        fill("places", featuresOf(placed));
        map.setPaintProperty("places", "circle-radius", radii(placed.length));
        const box = mostOf(placed);
        if (box !== undefined) map.fitBounds(box, { padding: 28, animate: false, maxZoom: 13 });
      });
    },
    showLooks(wanted) {
      later(() => {
        for (const [id, place] of shown.entries()) {
          const look = wanted.get(place) ?? NONE;
          if (looks.get(id) === look) continue;
          looks.set(id, look);
          map.setFeatureState({ source: "places", id }, { look });
        }
      });
    },
    showAreas: (areas) => later(() => fill("areas", areas)),
    choose(geometries) {
      const features = geometries.map((geometry): GeoJSON.Feature => ({ type: "Feature", geometry, properties: {} }));
      later(() => fill("chosen", { type: "FeatureCollection", features }));
    },
    recolour() {
      later(() => {
        for (const { id, paint } of makeStyle(city).layers) {
          for (const [name, value] of Object.entries(paint ?? {})) {
            if (name !== "circle-radius") map.setPaintProperty(id, name as never, value as never);
          }
        }
      });
    },
    remove() {
      removed = true;
      map.remove();
    },
  };
}

function listen(map: MapLibre, events: MapEvents, shown: readonly string[]): void {
  const placeAt = (point: { x: number; y: number }) => {
    const [found] = map.queryRenderedFeatures([point.x, point.y], { layers: ["places"] });
    return found?.id === undefined ? undefined : shown[Number(found.id)];
  };
  map.on("click", (event) => {
    const place = placeAt(event.point);
    if (place !== undefined) {
      events.onchoose(place);
      return;
    }
    const [area] = map.queryRenderedFeatures(event.point, { layers: ["land"] });
    if (area) events.onarea(`${String(area.properties["division"])}:${String(area.properties["code"])}`);
  });
  map.on("mousemove", (event) => {
    const place = placeAt(event.point);
    map.getCanvas().style.cursor = place === undefined ? "" : "pointer";
    events.onpoint(place ?? null);
  });
  map.on("mouseout", () => events.onpoint(null));
}

/** The box that holds the middle 96 % of the places each way: a few far ones would make the map too small. */
function mostOf(places: readonly Place[]): LngLatBoundsLike | undefined {
  const centres = places.flatMap(({ centre }) => (centre === null ? [] : [centre]));
  if (centres.length === 0) return undefined;
  const [west, east] = middle(centres.map(([longitude]) => longitude));
  const [south, north] = middle(centres.map(([, latitude]) => latitude));
  return [west, south, east, north];
}

function middle(values: number[]): [low: number, high: number] {
  values.sort((a, b) => a - b);
  const left = Math.floor(values.length * 0.02);
  return [values[left] as number, values[values.length - 1 - left] as number];
}

function widen([west, south, east, north]: City["bbox"]): LngLatBoundsLike {
  const wide = (east - west) * 0.75;
  const high = (north - south) * 0.75;
  return [west - wide, south - high, east + wide, north + high];
}

function featuresOf(places: readonly Place[]): GeoJSON.FeatureCollection {
  const features = places.map(
    ({ centre }, id): GeoJSON.Feature => ({
      type: "Feature",
      id,
      geometry: { type: "Point", coordinates: centre as [number, number] },
      properties: {},
    }),
  );
  return { type: "FeatureCollection", features };
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function makeStyle({ tiles }: City): StyleSpecification {
  const empty = { type: "geojson", data: NOTHING } as const;
  const below: LayerSpecification[] = tiles ? [{ id: "tiles", type: "raster", source: "tiles" }] : [];
  return {
    version: 8,
    sources: {
      areas: empty,
      places: empty,
      chosen: empty,
      ...(tiles && { tiles: { type: "raster", tiles: [tiles.url], tileSize: 256, attribution: tiles.attribution } }),
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": token("--sunken") } },
      ...below,
      {
        id: "land",
        type: "fill",
        source: "areas",
        // Above a map from elsewhere areas can still be pointed at.
        paint: { "fill-color": token("--map-land"), "fill-opacity": tiles ? 0 : 1 },
      },
      { id: "borders", type: "line", source: "areas", paint: { "line-color": token("--map-line"), "line-width": 1 } },
      {
        id: "chosen-area",
        type: "line",
        source: "chosen",
        filter: ["!=", ["geometry-type"], "Point"],
        paint: { "line-color": token("--map-chosen"), "line-width": 2.5 },
      },
      {
        id: "places",
        type: "circle",
        source: "places",
        paint: {
          "circle-color": byLook(Array.from({ length: CLASSES }, (_, look) => token(`--scale-${look + 1}`)), "rgba(0, 0, 0, 0)"),
          "circle-radius": radii(0),
          "circle-stroke-color": byLook(RADII.map(() => token("--scale-line")), token("--line-strong")),
          "circle-stroke-width": 1.25,
        },
      },
      {
        id: "chosen-point",
        type: "circle",
        source: "chosen",
        filter: ["==", ["geometry-type"], "Point"],
        paint: {
          "circle-radius": 16,
          "circle-color": "rgba(0, 0, 0, 0)",
          "circle-stroke-color": token("--map-chosen"),
          "circle-stroke-width": 3,
        },
      },
    ],
  };
}

function byLook(looks: readonly (string | number)[], none: string | number): ExpressionSpecification {
  const cases = looks.flatMap((look, at) => [at, look]);
  return ["match", ["coalesce", ["feature-state", "look"], NONE], ...cases, none] as unknown as ExpressionSpecification;
}

/** Beyond so many places there is no room for large marks. */
const MANY = 300;

/** The marks' radii, by zoom and by how many there are. */
function radii(count: number): ExpressionSpecification {
  const size = count > MANY ? 0.55 : 1;
  const stops = [10, 0.6, 13, 1, 16, 1.5].map((stop, at) => (at % 2 === 0 ? stop : scaled(size * stop)));
  return ["interpolate", ["linear"], ["zoom"], ...stops] as unknown as ExpressionSpecification;
}

function scaled(factor: number): ExpressionSpecification {
  return ["*", factor, byLook(RADII, ABSENT_RADIUS)];
}
