"use strict";
// Making elements. Text goes in as text nodes only, so nothing that comes from a file is ever read as HTML.
const DOM = (() => {
  let controls = 0; // that have been labelled
  const SVG = "http://www.w3.org/2000/svg";

  function el(tag, attributes = {}, ...children) {
    return filled(document.createElement(tag), attributes, children);
  }

  function svg(tag, attributes = {}, ...children) {
    return filled(document.createElementNS(SVG, tag), attributes, children);
  }

  function filled(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
  }

  function button(text, label, onclick) {
    return el("button", { type: "button", "aria-label": label, title: label, onclick }, text);
  }

  // A control with its label above it.
  function labelled(label, control) {
    control.id ||= `control-${(controls += 1)}`;
    return el("div", { class: "choice" }, el("label", { for: control.id }, label), control);
  }

  // A <select> with its label; options are [value, text], in groups where there is a third entry.
  function choice(label, options, value, onchange) {
    const select = el("select", { onchange: () => onchange(select.value) });
    const groups = new Map();
    for (const [key, text, group] of options) {
      if (group && !groups.has(group)) {
        groups.set(group, el("optgroup", { label: group }));
        select.append(groups.get(group));
      }
      (groups.get(group) ?? select).append(el("option", { value: key }, text));
    }
    select.value = value;
    return labelled(label, select);
  }

  // Radio buttons that look like one control; options are [value, text].
  function segmented(label, name, options, value, onchange) {
    return el(
      "fieldset",
      { class: "segmented" },
      el("legend", {}, label),
      el("div", {}, options.map(([key, text]) =>
        el("label", {},
          el("input", { type: "radio", name, value: key, checked: key === value, onchange: () => onchange(key) }),
          el("span", {}, text))))
    );
  }

  return { el, svg, button, labelled, choice, segmented };
})();
