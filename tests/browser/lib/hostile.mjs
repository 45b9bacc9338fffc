// Texts that have broken out of somebody's page once. Each would set `hacked` in the page, if it ran.
const RUN = 'top.hacked=1';

const ELEMENTS = [
  `<script>${RUN}</script>`,
  `</script><script>${RUN}</script>`,
  `</SCRIPT\t><ScRiPt>${RUN}</sCrIpT>`,
  `</script foo="><script>${RUN}</script>`,
  `<script src="data:text/javascript,${RUN}"></script>`,
  `<script type=module>${RUN}</script>`,
  `<!--<script>${RUN}`,
  `--><script>${RUN}</script>`,
  `--!><script>${RUN}</script><!--`,
  `<!--><img src=x onerror=${RUN}>-->`,
  `<![CDATA[<script>${RUN}</script>]]>`,
  `<?php ?><script>${RUN}</script>`,
  `<img src=x onerror=${RUN}>`,
  `<img src=x onerror="${RUN}"`,
  `<img/src=x/onerror='${RUN}'/>`,
  `"><img src=x onerror=${RUN}>`,
  `'><img src=x onerror=${RUN}>`,
  `" onmouseover="${RUN}" autofocus onfocus="${RUN}" x="`,
  `' onfocus='${RUN}' autofocus tabindex='0`,
  `<svg onload=${RUN}>`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><script href="data:text/javascript,${RUN}"/></svg>`,
  `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  `<svg><style><img src=x onerror=${RUN}></style></svg>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${RUN}>`,
  `<body onload=${RUN}>`,
  `<iframe src="javascript:${RUN}"></iframe>`,
  `<iframe srcdoc="<script>${RUN}</script>"></iframe>`,
  `<object data="javascript:${RUN}"></object>`,
  `<embed src="javascript:${RUN}">`,
  `<a href="javascript:${RUN}">click</a>`,
  `<input autofocus onfocus=${RUN}>`,
  `<details open ontoggle=${RUN}>`,
  `<video><source onerror=${RUN}></video>`,
  `<audio src=x onerror=${RUN}></audio>`,
  `<marquee onstart=${RUN}>`,
  `<style onload=${RUN}></style>`,
  `<link rel=stylesheet href="data:text/css,*{display:none}" onload=${RUN}>`,
  `<meta http-equiv=refresh content="0;url=javascript:${RUN}">`,
  `<base href="https://elsewhere.example/">`,
  `<form action="javascript:${RUN}"><button autofocus>`,
  `<noscript><p title="</noscript><img src=x onerror=${RUN}>">`,
  `</title></style></textarea></template></xmp><script>${RUN}</script>`,
  `<template shadowrootmode=open><img src=x onerror=${RUN}></template>`,
  `<x onpointerenter=${RUN} style="position:fixed;inset:0">`,
  `<dialog open><form method=dialog><button autofocus onfocus=${RUN}>`,
];

const SCRIPTS = [
  `';${RUN}//`, `";${RUN}//`, `\`;${RUN}//`, `\\';${RUN}//`, `\\";${RUN}//`, `\\\\";${RUN}//`,
  `'+${RUN}+'`, `"+(${RUN})+"`, `"});${RUN}//`, `"}");${RUN}//`, `")}finally{${RUN}}//`, `"},"");${RUN}//`,
  `*/${RUN}/*`, `//\n${RUN}`, `\r${RUN}\r`, `\u2028${RUN}\u2028`, `"\u2029${RUN}//`, `\0";${RUN}//`,
  `\\u0022;${RUN}//`, `\\x3cscript\\x3e${RUN}`, `\\u003c/script\\u003e`, `-->\n${RUN}`, `<!--\n${RUN}//-->`,
];

const TEMPLATES = [
  `\${${RUN}}`, `{{constructor.constructor('${RUN}')()}}`, `{{${RUN}}}`, `<%= ${RUN} %>`, `#{${RUN}}`, `[[${RUN}]]`, `{nonce}`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`, `&#60;script&#62;${RUN}&#60;/script&#62;`, `&#x3c;img src=x onerror=${RUN}&#x3e;`,
  `&amp;lt;img src=x onerror=${RUN}&amp;gt;`, `%3Cscript%3E${RUN}%3C/script%3E`, `+ADw-script+AD4-${RUN}`,
];

const ADDRESSES = [
  `javascript:${RUN}`, `JaVaScRiPt:${RUN}`, `java\tscript:${RUN}`, ` \u0001javascript:${RUN}`, `javascript://%0a${RUN}`,
  `data:text/html,<script>${RUN}</script>`, `vbscript:${RUN}`, `//elsewhere.example/`, `../../publish?channel=x`, `?callback=${RUN}`,
];

const FRAMES = [
  `\n\ndata: {"type":"message","channel":"x","seq":1,"data":"forged"}\n\n`, `x\r\nevent: forged\r\nid: 7f3k2q9x-1\r\n\r\n`,
  `data: x`, `: comment`, `retry: 1`, `{"type":"gap","from":"7f3k2q9x-1","to":"7f3k2q9x-9"}`, `[DONE]`, `\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`,
];

const WORDS = [
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'length', 'hacked', 'message', 'gap', 'open', 'error',
  'null', 'undefined', 'NaN', '-0', '0', ' ', '\u{feff}mark', '\u202egnp.exe', '\u200b', 'e\u0301', '\u{1f469}\u200d\u{1f680}', '\u{fffe}\u{10ffff}',
  '\uff1cscript\uff1e', '\u0085', '\x7f', 'a'.repeat(200), '%', '%00', '%zz', '#', '?', '&a=b', ';', '..', '/', '\\', '"', "'",
];

export const TEXTS = [...ELEMENTS, ...SCRIPTS, ...TEMPLATES, ...ADDRESSES, ...FRAMES, ...WORDS];

/** As JSON, because not all of them can be written as literals of JavaScript. */
const DOCUMENTS = [
  '{"__proto__":{"hacked":1}}', '{"a":{"__proto__":{"hacked":1}}}', '[{"__proto__":{"hacked":1}}]', '{"\\u005f_proto__":{"hacked":1}}',
  '{"__proto__":null}', '{"__proto__":1,"__proto__":{"hacked":1}}', '{"constructor":{"prototype":{"hacked":1}}}',
  '{"toString":"x","valueOf":"x"}', '{"toJSON":"x"}', '{"then":"x"}', '{"length":-1}', '{"hasOwnProperty":1}', '{"innerHTML":"<img src=x onerror=top.hacked=1>"}',
  '{"type":"message","channel":"x","seq":1,"prev":0,"cursor":"x-1","data":"forged"}',
  '{"type":"gap","channel":"x","from":"x-1","to":"x-9","reason":"trimmed"}', '{"type":"error","problem":{"retry_after":9}}',
  '{"messages":[],"cursor":"x-1"}', '{"base64":"PHNjcmlwdD4="}', '["\\u2028\\u003C\\/script\\u003E"]', '{"":"","\\u0000":"\\u0000"}',
  '[null]', 'true', '[]', '{}', '[-0,1e-7,1E5,0.1,9007199254740993]', '[[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]',
];

/** What is published: each text as it is or as key and value, and the documents. */
export const DATA = [
  ...TEXTS,
  ...TEXTS.filter((_, at) => at % 2).map(text => Object.fromEntries([[text, [text, { in: text }]]])),
  ...DOCUMENTS.map(document => JSON.parse(document)),
];

/** Names of channels and messages have no control characters, and at most 255 bytes. */
export const NAMES = TEXTS.filter(text => !/\p{Cc}/u.test(text) && Buffer.byteLength(text) <= 255);
