import { base } from './browser.mjs';

const log = { appendChild: element => console.log(element.innerHTML) };
const send = { addEventListener(kind, run) { this.click = run; } };
const elements = { log, send, messge: { value: '{"message":"hello"}' } };
const document = { createElement: () => ({}), getElementById: id => elements[id] };
const window = { WebSocket };
const url = base.replace('http', 'ws');

$("send").addEventListener("click", function () {
    if (conn) conn.send($("messge").value);
    return false;
}, true);
var conn;
window.onload = function () {
    if (window["WebSocket"]) conn = new WebSocket(url + "/test");
    else return;
    conn.onmessage = function (evt) {
        var msg = document.createElement("p");
        msg.innerHTML = JSON.parse(evt.data).message;
        $("log").appendChild(msg);
    };
}
function $(id) {
    return document.getElementById(id);
}

window.onload();
conn.onopen = () => send.click();
