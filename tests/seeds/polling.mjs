import { $, setInterval } from './browser.mjs';

const handleMessages = messages => messages.toReversed().forEach(message => console.log(message.data.message));

var since = 0;
setInterval(function() {
    $.ajax({
        type: 'GET',
        url: '/get_messages/',
        data: { channel_id: 5, since: since },
    }).success(function(resp) {
        if (!resp.messages || !resp.messages.length) {
            return;
        }
        handleMessages(resp.messages);
        since = resp.messages[0].id;
    });
}, 5000);
