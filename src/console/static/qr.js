// A QR code on a canvas, with lean-qr, which is loaded by the first page that shows one.
import { html, useEffect, useRef } from './lib.js';

export function Qr({ text, label }) {
  const canvas = useRef(null);
  useEffect(() => {
    let isGone = false;
    import('./vendor/lean-qr/lean-qr.js').then(({ generate }) => {
      if (!isGone && canvas.current) generate(text).toCanvas(canvas.current, { on: [0, 0, 0, 255], off: [255, 255, 255, 255] });
    });
    return () => { isGone = true; };
  }, [text]);
  return html`<canvas class="qr" role="img" aria-label=${label} ref=${canvas}></canvas>`;
}
