(function(){
var at="",wait=1000,timer;
function seen(cursor){
  if(cursor)at=cursor;
  var all=document.getElementsByTagName("script"),last=all[all.length-1];
  if(last&&last.parentNode)last.parentNode.removeChild(last);
  again(SILENCE);
}
function again(ms){
  clearTimeout(timer);
  if(wait>=0)timer=setTimeout(load,ms);
}
function load(){
  var rest=location.search.replace(/^\?/,"").split("&"),kept=[],i;
  for(i=0;i<rest.length;i++)if(rest[i]&&(!at||rest[i].indexOf("since=")!==0))kept.push(rest[i]);
  if(at)kept.push("since="+at);
  location.replace(location.pathname+"?"+kept.join("&"));
}
function tell(data){TELL}
window.m=function(data,cursor){try{tell(data)}finally{seen(cursor)}};
window.c=function(cursor){try{if(/[?&]checkpoints=1(&|$)/.test(location.search))tell({type:"checkpoint",cursor:cursor})}finally{seen(cursor)}};
window.z=function(cursor,ms){wait=ms;seen(cursor)};
window.onload=function(){again(wait)};
again(SILENCE);
})();
