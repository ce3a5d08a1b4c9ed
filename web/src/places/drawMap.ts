// The map: the city's official areas below, its places above, each with its sector's shape and colour.
// This module carries MapLibre and is loaded after the page.

import {
  AttributionControl,
  type ExpressionSpecification,
  type GeoJSONSource,
  type LngLatBoundsLike,
  Map as MapLibre,
  type MapGeoJSONFeature,
  NavigationControl,
  setWorkerUrl,
  type StyleSpecification,
} from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { City, Place, Sector } from "../api/answers";
import { SECTOR_SHAPES, SECTORS } from "./sectors";

setWorkerUrl(workerUrl);

/** Icons are drawn at three times their size, for dense screens and large zooms. */
const ICON = 3;

/** Up to so many marks there is room for larger ones. */
const FEW = 200;

export interface MapWords {
  zoomIn: string;
  zoomOut: string;
  map: string;
}

export interface CityMap {
  showPlaces(places: readonly Place[], sector: Sector | undefined): void;
  showAreas(areas: GeoJSON.FeatureCollection): void;
  choose(place: Place | undefined): void;
  /** Reads the colours anew, after the reader's scheme changed. */
  recolour(): void;
  remove(): void;
}

export interface MapEvents {
  onchoose: (place: string) => void;
  onpoint: (name: string | null) => void;
}

const NOTHING: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

export function drawMap(container: HTMLElement, city: City, words: MapWords, events: MapEvents): CityMap {
  const [west, south, east, north] = city.bbox;
  const bounds: LngLatBoundsLike = [west, south, east, north];
  const map = new MapLibre({
    container,
    style: makeStyle(),
    bounds,
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
  addIcons(map);
  listen(map, events);
  return control(map);
}

function control(map: MapLibre): CityMap {
  let fitted = false;
  const ready = new Promise<void>((resolve) => map.once("load", () => resolve()));
  const fill = (source: string, data: GeoJSON.GeoJSON) =>
    void ready.then(() => map.getSource<GeoJSONSource>(source)?.setData(data));
  return {
    showPlaces(places, sector) {
      fill("places", placeFeatures(places, sector));
      const box = fitted ? undefined : mostOf(places);
      if (box === undefined) return;
      map.fitBounds(box, { padding: 24, animate: false });
      fitted = true;
    },
    showAreas: (areas) => fill("areas", areas),
    choose(place) {
      fill("chosen", place?.geometry ?? pointOf(place) ?? NOTHING);
      if (place?.centre && !map.getBounds().contains(place.centre)) map.easeTo({ center: place.centre });
    },
    recolour() {
      void ready.then(() => {
        for (const sector of SECTORS) map.removeImage(sector);
        map.setStyle(makeStyle(), { transformStyle: keepData });
        addIcons(map);
      });
    },
    remove: () => map.remove(),
  };
}

/** A new style with the sources of the old one, so that only colours change. */
function keepData(previous: StyleSpecification | undefined, next: StyleSpecification): StyleSpecification {
  return previous ? { ...next, sources: previous.sources } : next;
}

function listen(map: MapLibre, events: MapEvents): void {
  const nameOf = (features: readonly MapGeoJSONFeature[] | undefined) => {
    const properties = features?.[0]?.properties;
    return properties ? String(properties["name"]) : null;
  };
  map.on("click", "places", (event) => {
    const id: unknown = event.features?.[0]?.properties["id"];
    if (typeof id === "string") events.onchoose(id);
  });
  map.on("mousemove", "places", (event) => {
    map.getCanvas().style.cursor = "pointer";
    events.onpoint(nameOf(event.features));
  });
  map.on("mouseleave", "places", () => {
    map.getCanvas().style.cursor = "";
    events.onpoint(null);
  });
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

function pointOf(place: Place | undefined): GeoJSON.Point | undefined {
  return place?.centre ? { type: "Point", coordinates: place.centre } : undefined;
}

/** Places as features; a sector with fewer places is drawn above one with many, which would cover it. */
function placeFeatures(places: readonly Place[], sector: Sector | undefined): GeoJSON.FeatureCollection {
  const counts = new Map<Sector, number>();
  for (const [shown] of places.map((place) => place.sectors)) {
    if (shown !== undefined) counts.set(shown, (counts.get(shown) ?? 0) + 1);
  }
  const grow = places.filter(({ sectors }) => sector === undefined || sectors.includes(sector)).length > FEW ? 1 : 1.6;
  const features = places.flatMap((place): GeoJSON.Feature[] => {
    const geometry = pointOf(place);
    const shown = sector ?? place.sectors[0];
    if (geometry === undefined || shown === undefined || !place.sectors.includes(shown)) return [];
    const properties = { id: place.id, name: place.name, sector: shown, rank: -(counts.get(shown) ?? 0), grow };
    return [{ type: "Feature", geometry, properties }];
  });
  return { type: "FeatureCollection", features };
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function makeStyle(): StyleSpecification {
  const empty = { type: "geojson", data: NOTHING } as const;
  return {
    version: 8,
    sources: { areas: empty, places: empty, chosen: empty },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": token("--sunken") } },
      { id: "land", type: "fill", source: "areas", paint: { "fill-color": token("--map-land") } },
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
        type: "symbol",
        source: "places",
        layout: {
          "icon-image": ["get", "sector"],
          "symbol-sort-key": ["get", "rank"],
          "icon-size": ["interpolate", ["linear"], ["zoom"], 10, grown(0.18), 12, grown(0.26), 15, grown(0.45)],
          "icon-allow-overlap": true,
          "icon-ignore-placement": true,
        },
      },
      {
        id: "chosen-point",
        type: "circle",
        source: "chosen",
        filter: ["==", ["geometry-type"], "Point"],
        paint: {
          "circle-radius": 12,
          "circle-color": "rgba(0, 0, 0, 0)",
          "circle-stroke-color": token("--map-chosen"),
          "circle-stroke-width": 3,
        },
      },
    ],
  };
}

/** An icon's size, larger where a place says so. */
function grown(size: number): ExpressionSpecification {
  return ["*", size, ["get", "grow"]];
}

function addIcons(map: MapLibre): void {
  for (const sector of SECTORS) map.addImage(sector, drawIcon(sector), { pixelRatio: 1 });
}

function drawIcon(sector: Sector): ImageData {
  const size = 16 * ICON;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  if (pen === null) return new ImageData(size, size);
  pen.scale(ICON, ICON);
  const outline = new Path2D(SECTOR_SHAPES[sector]);
  pen.fillStyle = token(`--sector-${sector}`);
  pen.strokeStyle = token("--map-land");
  pen.lineWidth = 1;
  pen.fill(outline);
  pen.stroke(outline);
  return pen.getImageData(0, 0, size, size);
}
