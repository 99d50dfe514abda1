(function () {
  "use strict";
  var all = function (what, where) { return Array.prototype.slice.call((where || document).querySelectorAll(what)); };
  var one = function (id) { return document.getElementById(id); };
  var tasks = all(".task"), query = one("q"), keys = one("keys"), shown = one("shown");
  var picks = all(".pick input");
  all(".js").forEach(function (part) { part.hidden = false; });

  // Filter: every word must stand in the line of the task.
  var words = null, drawn = null;
  function filter() {
    words = words || tasks.map(function (task) { return task.firstElementChild.textContent.toLowerCase(); });
    var wanted = query.value.toLowerCase().split(/\s+/).filter(Boolean), states = {}, number = 0, hidden = {};
    picks.forEach(function (pick) { states[pick.value] = pick.checked; });
    tasks.forEach(function (task, place) {
      var fits = states[task.dataset.s] && wanted.every(function (word) { return words[place].indexOf(word) >= 0; });
      task.hidden = !fits;
      if (fits) { number += 1; } else { hidden[task.id.slice(2)] = true; }
    });
    shown.textContent = number === tasks.length ? "" : number + " of " + tasks.length + " tasks";
    drawn = drawn || all("svg a[href^='#t-']").map(function (part) { return [part, part.getAttribute("href").slice(3)]; });
    drawn.forEach(function (part) { part[0].classList.toggle("faint", hidden[part[1]] === true); });
  }
  function clear() {
    query.value = "";
    picks.forEach(function (pick) { pick.checked = true; });
    filter();
  }
  query.addEventListener("input", filter);
  picks.forEach(function (pick) { pick.addEventListener("change", filter); });

  // A link to a task opens it, also if the filter hides it.
  function reveal() {
    var task = one(location.hash.slice(1));
    if (!task || !task.classList.contains("task")) { return; }
    if (task.hidden) { clear(); }
    task.open = true;
    task.scrollIntoView();
    task.firstElementChild.focus({ preventScroll: true });
  }
  addEventListener("hashchange", reveal);
  document.addEventListener("click", function (event) {
    // the second click on the same link changes no address
    var link = event.target.closest && event.target.closest("a[href^='#t-']");
    if (link && link.getAttribute("href") === location.hash) { reveal(); }
  });
  reveal();

  // Commands can be copied.
  function copy(button, text) {
    function done() {
      button.textContent = "Copied";
      setTimeout(function () { button.textContent = "Copy"; }, 1500);
    }
    function select() {
      var range = document.createRange();
      range.selectNodeContents(button.previousElementSibling);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      if (document.execCommand("copy")) { done(); }
    }
    if (navigator.clipboard) { navigator.clipboard.writeText(text).then(done, select); } else { select(); }
  }
  all("code.cmd").forEach(function (code) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy " + code.textContent);
    button.addEventListener("click", function () { copy(button, code.textContent); });
    code.after(button);
  });

  // Keys.
  function go(step, fits) {
    var list = tasks.filter(function (task) { return !task.hidden && fits(task); });
    if (!list.length) { return; }
    var here = document.activeElement.closest && document.activeElement.closest(".task");
    var order = tasks.indexOf(here), next;
    if (step > 0) {
      next = list.filter(function (task) { return tasks.indexOf(task) > order; })[0] || list[0];
    } else {
      next = list.filter(function (task) { return tasks.indexOf(task) < order; }).pop() || list[list.length - 1];
    }
    next.firstElementChild.focus();
    next.scrollIntoView({ block: "nearest" });
  }
  function any() { return true; }
  function bad(task) { return task.dataset.s === "failed"; }
  function fold(open) { tasks.forEach(function (task) { if (!task.hidden) { task.open = open; } }); }
  var acts = {
    "/": function () { query.focus(); query.select(); },
    j: function () { go(1, any); }, k: function () { go(-1, any); },
    f: function () { go(1, bad); }, F: function () { go(-1, bad); },
    e: function () { fold(true); }, c: function () { fold(false); },
    g: function () { scrollTo(0, 0); },
    "?": function () { keys.showModal(); }
  };
  one("ask").addEventListener("click", acts["?"]);
  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox";
    if (event.key === "Escape" && !keys.open) { clear(); query.blur(); return; }
    if (typing || keys.open || event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (Object.prototype.hasOwnProperty.call(acts, event.key)) {
      event.preventDefault();
      acts[event.key]();
    }
  });

  // On paper nothing can be unfolded.
  addEventListener("beforeprint", function () {
    all("#failed details, details[data-s=failed]").forEach(function (part) { part.open = true; });
  });
})();
