// The comet loop behind nginx's `location /listen/`, which answers with what the publisher has sent.
import { $, setTimeout } from './browser.mjs';

const handleMessages = messages => messages.forEach(message => console.log(message));

function getComet() {
    $.ajax({
        type: 'GET',
        url: '/listen/',
        data: { cid: 5 },
    }).success(function(resp) {
        handleMessages(resp.messages);
        getComet();
    }).error(function() {
        setTimeout(getComet, 10000);
    });
}
getComet();
