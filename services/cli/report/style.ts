/** The whole look of a report. Filter and veil work by it alone: the page has no script. */
export const STYLE = `
:root { color-scheme: light dark; --back: #fff; --fore: #1b1d21; --dim: #5a606b; --line: #d5d9e0; --card: #f6f7f9;
  --reject: #a3122a; --flag: #8a4b00; --approve: #14663a; --error: #5b3a9e; --bar: #2b6cb0; }
@media (prefers-color-scheme: dark) { :root { --back: #14161a; --fore: #e6e8ec; --dim: #a3aab6; --line: #353a44; --card: #1d2026;
  --reject: #ff8a96; --flag: #ffb454; --approve: #6fd39b; --error: #c4a7ff; --bar: #6fa8e8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 80rem; background: var(--back); color: var(--fore); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: 0 0 .25rem; }
header p { color: var(--dim); max-width: 60rem; overflow-wrap: anywhere; }
fieldset { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1rem 0; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1rem; align-items: start; }
article { display: flex; flex-wrap: wrap; gap: 1rem; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; content-visibility: auto; contain-intrinsic-size: auto 16rem; }
article > div:last-child { flex: 1 1 16rem; min-width: 0; }
.picture { position: relative; width: 15rem; height: max-content; overflow: hidden; border-radius: .25rem; flex: none; }
.picture img { display: block; max-width: 100%; height: auto; margin: auto; }
.veiled { cursor: pointer; }
.veiled img { filter: blur(1.25rem); }
.veiled input { position: absolute; inset: .5rem auto auto .5rem; z-index: 1; opacity: 0; }
.veiled span { position: absolute; inset: auto 0 0; padding: .25rem .5rem; background: #000b; color: #fff; font-size: .8rem; text-align: center; }
.veiled:hover img, .veiled:has(:focus-visible) img, .veiled:has(:checked) img { filter: none; }
.veiled:hover span, .veiled:has(:checked) span { display: none; }
.veiled:has(:focus-visible), summary:focus-visible, fieldset input:focus-visible { outline: 3px solid var(--bar); outline-offset: 2px; }
strong.reject { color: var(--reject); } strong.flag { color: var(--flag); } strong.approve { color: var(--approve); } strong.error { color: var(--error); }
ul { list-style: none; margin: .25rem 0; padding: 0; }
li { margin: .5rem 0; }
li i, .prompts { color: var(--dim); }
.prompts { display: block; font-size: .9rem; }
.score { font-variant-numeric: tabular-nums; font-size: .9rem; }
svg { display: block; width: 100%; height: .6rem; margin: .2rem 0; border-radius: .2rem; }
.track { fill: var(--line); } .under { fill: var(--dim); } .over { fill: var(--bar); } .mark { fill: var(--fore); }
summary { cursor: pointer; color: var(--dim); }
body:has(#show-reject:checked) article:not([data-group=reject]),
body:has(#show-flag:checked) article:not([data-group=flag]),
body:has(#show-error:checked) article:not([data-group=error]),
body:has(#show-approve:checked) article:not([data-group=approve]) { display: none; }
@media print { .veiled img { filter: blur(1.25rem) !important; } fieldset { display: none; } article { break-inside: avoid; } }
`
