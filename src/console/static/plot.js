// A plot over time with uPlot, which is loaded by the first page that has one.
import { html, useEffect, useRef } from './lib.js';
import { currentLanguage, locale, number, t } from './i18n.js';

/** Steps of an axis that counts whole things. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 1_000_000, 10_000_000];
let loading = null;

function element(name, values) {
  return new Promise((done, failed) => {
    const made = Object.assign(document.createElement(name), values, { onload: done, onerror: () => failed(new Error(t('plot.failed'))) });
    document.head.append(made);
  });
}

const load = () => (loading ??= Promise.all([
  element('link', { rel: 'stylesheet', href: 'vendor/uplot/uPlot.min.css' }),
  element('script', { src: 'vendor/uplot/uPlot.iife.min.js' }),
]).then(() => window.uPlot));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(width, series) {
  const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 } };
  const time = new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit' });
  const close = new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const exact = new Intl.DateTimeFormat(locale(), { dateStyle: 'short', timeStyle: 'medium' });
  const times = (ticks) => (ticks[1] - ticks[0] < 60 ? close : time);
  return {
    width, height: 240, cursor: { drag: { x: true, y: false } },
    scales: Object.fromEntries(series.map(({ scale }) => [scale, { range: (plot, low, high) => [0, Math.max(high ?? 0, 1) * 1.1] }])),
    axes: [
      { ...axis, values: (plot, ticks) => ticks.map((tick) => times(ticks).format(tick * 1_000)) },
      // One axis for each series, the second on the right.
      ...series.map(({ scale, stroke }, place) => ({ ...axis, scale, side: place ? 1 : 3, incrs: WHOLE, stroke: colour(stroke), size: 56, grid: place ? { show: false } : axis.grid, values: (plot, ticks) => ticks.map((tick) => number(tick)) })),
    ],
    series: [
      { label: t('time'), value: (plot, value) => (value === null || value === undefined ? '–' : exact.format(value * 1_000)) },
      ...series.map(({ label, scale, stroke }) => ({ label, scale, stroke: colour(stroke), width: 2, points: { show: false }, value: (plot, value) => (value === null || value === undefined ? '–' : number(value)) })),
    ],
  };
}

/** `data`: seconds, and for each of `series` a list of numbers. */
export function Plot({ data, series, label }) {
  const place = useRef(null);
  const plot = useRef(null);
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    let isGone = false;
    const draw = async () => {
      const UPlot = await load();
      if (isGone || !place.current) return;
      plot.current?.destroy();
      plot.current = new UPlot(options(place.current.clientWidth || 600, series), latest.current, place.current);
    };
    draw();
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    const sized = new ResizeObserver(() => {
      const width = place.current?.clientWidth;
      if (plot.current && width && width !== plot.current.width) plot.current.setSize({ width, height: 240 });
    });
    sized.observe(place.current);
    dark.addEventListener('change', draw);
    window.addEventListener('themechange', draw);
    return () => {
      isGone = true;
      sized.disconnect();
      dark.removeEventListener('change', draw);
      window.removeEventListener('themechange', draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [currentLanguage()]);
  useEffect(() => { plot.current?.setData(data); }, [data]);
  return html`<div class="plot" role="img" aria-label=${label} ref=${place}></div>`;
}
