"""The talk's publisher. `requests` is replaced by what it does: a body of text comes without a content type."""

import http.client
import json
import sys
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit


def post(url, params, data):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request('POST', parts.path + '?' + urlencode(params), body=data)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return SimpleNamespace(status_code=answer.status)


requests = SimpleNamespace(post=post)
HttpResponseAjax = lambda: 'ok'
HttpResponseAjaxError = lambda code: 'error %d' % code

puburl = sys.argv[1] + '/publish/'

def send_message(request):
    cid = request.GET.get('to')
    text = request.GET.get('text')
    body = json.dumps({ 'messages': [ text ] })
    try:
        resp = requests.post(puburl, params={'cid':cid}, data=body)
        if resp.status_code == 200:
            return HttpResponseAjax()
        else:
            return HttpResponseAjaxError(code=resp.status_code)
    except:
        return HttpResponseAjaxError(code=500)


for number in range(1, int(sys.argv[2]) + 1):
    print(send_message(SimpleNamespace(GET={'to': '5', 'text': str(number)})))
