import { base } from './browser.mjs';

const url = base.replace('http', 'ws') + process.argv[3];

var socket = new WebSocket(url);
socket.onopen = function(event) {
    console.log('ws opened');
    var data = JSON.stringify({ message: "Hello WebSocket" });
    socket.send(data);
};
socket.onmessage = function(event) {
    var resp = JSON.parse(event.data);
    console.log('ws message', resp.message);
};
socket.onclose = function(event) {
    console.log('ws closed');
};
