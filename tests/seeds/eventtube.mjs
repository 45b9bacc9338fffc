// What a page has of EventTube's SDK: it subscribes again whenever it is told who it is, and looks for the listeners of
// whatever `event` a frame has. It gets the URL as its last argument.
const url = `${process.argv.at(-1).replace('http', 'ws')}/eventtube`;
const listeners = new Map();
let socket, connections = 0;

function send(message) {
    socket.send(JSON.stringify(message));
}

function connect() {
    socket = new WebSocket(url);
    socket.onmessage = ({ data }) => data.split('\n').forEach(line => take(JSON.parse(line)));
    socket.onclose = () => setTimeout(connect, 10);
}

function take(frame) {
    if (frame.event === 'CLIENT_CONNECTED') {
        for (const event of listeners.keys()) send({ event, type: 'subscribe' });
        connections += 1;
        send({ event: 'not.*', data: 'refused', type: 'publish' });
        send({ event: 'ready', data: `${connections}`, type: 'publish' });
    } else {
        listeners.get(frame.event)?.(frame);
    }
}

for (const event of ['ready', 'news', 'all']) {
    listeners.set(event, frame => console.log(event, typeof frame.data, frame.data));
}
connect();
