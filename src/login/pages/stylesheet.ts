/** The stylesheet: one column on phones and desktops, in the colours that the reader prefers. */
export const STYLESHEET = `:root{color-scheme:light dark;
--page:#f3f5f8;--card:#fff;--line:#d8dee7;--field:#7b8798;--text:#18202c;--soft:#566173;--tint:#eef2f8;
--accent:#1f5bc4;--hover:#17479b;--on-accent:#fff;--focus:#1f5bc4;
--problem:#b3261e;--problem-tint:#fdf0ef;--warning:#8a5a00;--warning-tint:#fdf6e5;--good:#1a6b3c}
@media (prefers-color-scheme:dark){:root{
--page:#0e131b;--card:#171e29;--line:#2e3847;--field:#6f7d92;--text:#e8ecf3;--soft:#a3aec0;--tint:#212a38;
--accent:#7aa7f7;--hover:#a0c1fb;--on-accent:#0b1524;--focus:#9dbffb;
--problem:#ff9b92;--problem-tint:#33191a;--warning:#f0c566;--warning-tint:#2e2614;--good:#7ad49c}}
*,::before,::after{box-sizing:border-box}
html{font:100%/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;padding:0 1rem 3rem;background:var(--page);color:var(--text);overflow-wrap:anywhere}
header,main{width:100%;max-width:26rem;margin:0 auto}
.wide header,.wide main{max-width:44rem}
header{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.25rem 1rem;padding:1.25rem 0}
.brand{display:inline-flex;align-items:center;gap:.625rem;min-height:2rem;font-weight:600;color:var(--text);text-decoration:none}
a.brand:hover{text-decoration:underline}
.logo{flex:none}
.who{display:flex;align-items:center;gap:.75rem;min-width:0;font-size:.9375rem}
.username{max-width:14rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--soft)}
.who a{flex:none}
main{padding:1.75rem 1.5rem;background:var(--card);border:1px solid var(--line);border-radius:.875rem;box-shadow:0 1px 2px #0000000a,0 8px 24px #0000000d}
h1,h2,h3{margin:0;line-height:1.25;letter-spacing:-.01em}
h1{font-size:1.5rem}
h2{font-size:1.1875rem}
h3{font-size:1rem}
p{margin:.5rem 0}
.lead{margin:.375rem 0 1.25rem;color:var(--soft)}
.soft{color:var(--soft);font-size:.9375rem}
.back{margin:0 0 .75rem;font-size:.9375rem}
a{color:var(--accent);text-underline-offset:.15em}
a:hover{color:var(--hover)}
section{margin-top:1.75rem;padding-top:1.5rem;border-top:1px solid var(--line)}
section h3{margin-top:1.5rem}
label{display:block;font-weight:600}
input,textarea{display:block;width:100%;margin:.375rem 0 1.125rem;padding:.625rem .75rem;font:inherit;color:inherit;background:var(--card);border:1px solid var(--field);border-radius:.5rem}
input{min-height:2.875rem}
[aria-invalid]{border-color:var(--problem)}
textarea,code,.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
textarea{margin:0;font-size:.8125rem;background:var(--tint);border-color:var(--line);resize:none;field-sizing:content;max-height:12rem}
button,.button{display:block;width:100%;min-height:2.875rem;margin:.75rem 0 0;padding:.625rem 1rem;font:inherit;font-weight:600;line-height:1.5;text-align:center;text-decoration:none;color:var(--text);background:var(--card);border:1px solid var(--field);border-radius:.5rem;cursor:pointer}
.button{display:inline-block;width:auto}
button:hover,.button:hover{color:var(--text);background:var(--tint)}
.primary{color:var(--on-accent);background:var(--accent);border-color:var(--accent)}
.primary:hover{color:var(--on-accent);background:var(--hover);border-color:var(--hover)}
.small{flex:none;width:auto;min-height:2rem;margin:0;padding:.1875rem .75rem;font-size:.875rem}
[hidden]{display:none}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.box{margin:0 0 1.25rem;padding:.75rem 1rem;border:1px solid;border-left-width:4px;border-radius:.5rem}
.box p{margin:.125rem 0 0;color:var(--text)}
.problem{color:var(--problem);background:var(--problem-tint)}
.warning{color:var(--warning);background:var(--warning-tint)}
dl{margin:1rem 0 1.25rem}
dl div{display:grid;grid-template-columns:8.5rem minmax(0,1fr);gap:.125rem 1rem;padding:.5rem 0;border-top:1px solid var(--line)}
dl div:first-child{border-top:0}
main>:last-child,main>:last-child>:last-child{margin-bottom:0}
dt{color:var(--soft)}
dd{margin:0}
ul{margin:0;padding:0;list-style:none}
.tags{display:flex;flex-wrap:wrap;gap:.375rem}
.tags li{padding:.0625rem .5rem;font-size:.875rem;background:var(--tint);border-radius:.375rem}
summary{min-height:1.5rem;margin:.5rem 0;color:var(--accent);cursor:pointer}
.cards{display:grid;gap:.75rem}
.cards li{position:relative;display:grid;padding:.875rem 1rem;border:1px solid var(--line);border-radius:.625rem}
.cards li:hover{background:var(--tint)}
.cards a{font-weight:600}
.cards a::after{content:"";position:absolute;inset:0}
.choices{display:grid;gap:.875rem;margin-top:1rem}
.choices li{padding:1rem;border:1px solid var(--line);border-radius:.625rem}
.choices h3{margin:0}
.bar{display:flex;align-items:center;justify-content:space-between;gap:.375rem .75rem;min-height:2rem}
.secret textarea{word-break:break-all}
.copy{display:grid;grid-template-columns:minmax(0,1fr) auto auto;align-items:center;gap:.375rem .75rem;margin-top:.75rem}
.copy label{font-size:.875rem;color:var(--soft)}
.copy textarea{grid-column:1/-1;grid-row:2}
.copy button{grid-column:3;grid-row:1;min-width:4rem}
.copy [role=status]{grid-column:2;grid-row:1;font-size:.875rem;color:var(--good)}
#hint{margin:-.625rem 0 1.25rem}
input.code{font-size:1.5rem;letter-spacing:.12em;text-transform:uppercase}
p.code{margin:0 0 1rem;padding:.75rem;font-size:1.75rem;font-weight:600;letter-spacing:.12em;text-align:center;background:var(--tint);border-radius:.625rem}
@media (max-width:30rem){body{padding:0 .75rem 2rem}main{padding:1.25rem 1.125rem}dl div{grid-template-columns:minmax(0,1fr)}}
@media (min-width:30rem){.one-line textarea{grid-column:1/3}.one-line button{grid-row:2;min-height:2.5rem}}
@media (min-width:48rem) and (min-height:40rem){body:not(.wide) header{padding-top:12vh;justify-content:center}}
@media (prefers-reduced-motion:no-preference){button,.button,.cards li{transition:background-color .12s,border-color .12s}}
@media (forced-colors:active){.box,.tags li{border:1px solid}}
@media print{body{background:none}main{border:0;box-shadow:none;padding:0}button,.button,.secret,.who a{display:none}}
`
