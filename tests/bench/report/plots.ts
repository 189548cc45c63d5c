/** Plots as SVG, drawn by ECharts without a browser. */

import * as echarts from "echarts";
import type { Unit } from "../harness/subject.ts";

/** A point of a plot: a name and its values. */
export interface PlotItem {
  readonly name: string;
  /** The value. */
  readonly value: number;
  /** A second value, such as the 99th percentile. */
  readonly second?: number;
  /** The colour of the point; that of the series if it is left out. */
  readonly color?: string;
}

/** A plot of names and values on a logarithmic axis. */
interface Plot {
  readonly title: string;
  /** The axis, in words. */
  readonly axis: string;
  readonly items: readonly PlotItem[];
  /** The names of the values. The second one is for {@link PlotItem.second}. */
  readonly series: readonly [string, string?];
  /** A line at this value. */
  readonly line?: number;
}

const WIDTH = 1100;
const ROW = 24;
const MARGIN = { top: 70, bottom: 50, right: 60 };
/** The width of a character of a name. */
const CHARACTER = 7;
const SERIES_COLORS = ["#2f5fb3", "#c98a1b"];
/** What a target that is met, or not, is drawn with. */
export const COLORS = { met: "#2a7f4f", missed: "#c0392b" } as const;

/** How a unit is called on an axis. */
export function axisOf(unit: Unit): string {
  return { us: "microseconds", ms: "milliseconds", "1/s": "per second" }[
    unit as string
  ] ?? unit;
}

/** Draws a plot. Values that a logarithmic axis cannot show are left out. */
export function drawPlot({ title, axis, items, series, line }: Plot): string {
  const shown = items.filter(({ value }) => value > 0);
  // The axis of names begins below.
  const names = shown.map(({ name }) => name).toReversed();
  const left = CHARACTER * Math.max(...names.map(({ length }) => length), 20);
  const height = MARGIN.top + MARGIN.bottom + ROW * names.length;
  const chart = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    width: WIDTH,
    height,
  });
  const [first, second] = series;
  chart.setOption({
    animation: false,
    title: { text: title, left: 0 },
    ...(second !== undefined && { legend: { top: 28 } }),
    color: SERIES_COLORS,
    grid: { ...MARGIN, left },
    xAxis: { type: "log", name: axis, nameLocation: "middle", nameGap: 30 },
    yAxis: {
      type: "category",
      data: names,
      axisLabel: { interval: 0 },
      splitLine: { show: true },
    },
    series: [
      {
        name: first,
        type: "scatter",
        symbolSize: 10,
        data: shown.map(({ name, value, color }) => ({
          value: [value, name],
          ...(color !== undefined && { itemStyle: { color } }),
        })),
        ...(line !== undefined && {
          markLine: {
            symbol: "none",
            label: { show: false },
            lineStyle: { color: "#444", type: "solid" },
            data: [{ xAxis: line }],
          },
        }),
      },
      ...(second === undefined ? [] : [{
        name: second,
        type: "scatter" as const,
        symbol: "diamond",
        symbolSize: 7,
        data: shown.filter((item) =>
          item.second !== undefined && item.second > 0
        )
          .map((item) => [item.second!, item.name]),
      }]),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
