"use strict";
// Mouse, pen and fingers on a chart: drag to move, two fingers or ctrl and the wheel to zoom.
const Gestures = (() => {
  function attach(root, { zoomAt, pan, point, leave, reset }) {
    const down = new Map(); // pointers on the chart, and where they are
    const place = (event) => {
      const box = root.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };

    root.addEventListener("pointerdown", (event) => {
      down.set(event.pointerId, place(event));
      root.setPointerCapture(event.pointerId);
    });
    root.addEventListener("pointermove", (event) => {
      const [x, y] = place(event);
      if (!down.has(event.pointerId)) {
        point(x, y);
        return;
      }
      const before = new Map(down);
      down.set(event.pointerId, [x, y]);
      if (down.size === 1) {
        const [fromX, fromY] = before.get(event.pointerId);
        pan(x - fromX, y - fromY);
      } else if (down.size === 2) {
        pinch([...before.values()], [...down.values()]);
      }
    });
    for (const type of ["pointerup", "pointercancel"]) {
      root.addEventListener(type, (event) => {
        down.delete(event.pointerId);
        if (type === "pointerup") point(...place(event));
      });
    }
    root.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") leave();
    });
    root.addEventListener("dblclick", reset);
    root.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the wheel alone scrolls the page
      event.preventDefault();
      zoomAt(1.0015 ** -event.deltaY, ...place(event));
    }, { passive: false });

    function pinch(before, after) {
      const span = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
      const middle = ([a, b]) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
      const [from, to] = [middle(before), middle(after)];
      if (span(before) > 0) zoomAt(span(after) / span(before), ...to);
      pan(to[0] - from[0], to[1] - from[1]);
    }
  }

  return { attach };
})();
