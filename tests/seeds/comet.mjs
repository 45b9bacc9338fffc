import { $, setTimeout } from './browser.mjs';

const handleMessages = messages => messages.forEach(message => console.log(message.data.message));

function getComet() {
    $.ajax({
        type: 'GET',
        url: '/get_messages/',
        data: { channel_id: 5 },
    }).success(function(resp) {
        handleMessages(resp.messages);
        getComet();
    }).error(function() {
        setTimeout(getComet, 10000);
    });
}
getComet();
