(function(){
var at=CURSOR,wait=1000;
function seen(cursor){
  if(cursor)at=cursor;
  var all=document.getElementsByTagName("script"),last=all[all.length-1];
  if(last&&last.parentNode)last.parentNode.removeChild(last);
}
window.m=function(data,cursor){try{TELL}finally{seen(cursor)}};
window.c=function(cursor){seen(cursor)};
window.z=function(cursor,ms){wait=ms;seen(cursor)};
window.onload=function(){
  if(wait<0)return;
  setTimeout(function(){
    var rest=location.search.replace(/^\?/,"").split("&"),kept=[],i;
    for(i=0;i<rest.length;i++)if(rest[i]&&rest[i].indexOf("since=")!==0)kept.push(rest[i]);
    kept.push("since="+at);
    location.replace(location.pathname+"?"+kept.join("&"));
  },wait);
};
})();
