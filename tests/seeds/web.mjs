import { base } from './browser.mjs';

const alert = text => console.log(text);

let socket = new WebSocket(base.replace('http', 'ws') + "/web");

socket.onopen = function(e) {
    alert("[open] Соединение установлено");
    alert("Отправляем данные на сервер");
    socket.send("Hello server");
};

socket.onmessage = function(event) {
    alert(`[message] Данные получены с сервера: ${event.data}`);
};

socket.onclose = function(event) {
    if (event.wasClean) {
        alert(`[close] Соединение закрыто с кодом ${event.code}, ${event.reason}`);
    } else {
        alert('[close] Соединение прервано');
    }
};

socket.onerror = function(error) {
    alert(`[error] ${error.message}`);
};
