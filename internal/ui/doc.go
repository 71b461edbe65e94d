// Package ui serves the pages: who is on air, publish, watch, call, check, and the small
// JavaScript modules behind them that people may copy (whip.js, whep.js,
// player.js, headgate.js).
//
// Everything is embedded and served as it lies in the tree: plain ES modules
// with JSDoc types, no build step. Pages stand in pages/, what they load in
// assets/.
//
// Names and sentences from outside are hostile text. The pages only ever set
// text, never markup, and the Content-Security-Policy makes the browser insist:
// no inline script or style, no plugins, no markup from strings (Trusted
// Types), requests to this origin only, no frames around anything but /watch
// where the operator allows it. Names in an address are read and checked by
// the page (names.js), with the rule the gateway applies again to each POST;
// tokens stay in the fragment, which no server sees.
package ui
