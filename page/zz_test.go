package page_test
import ("testing";"math/rand/v2";"os";"strconv";"encoding/json";"strings";"github.com/merlon-web/merlon/page")
func TestZZ(t *testing.T){
 n,_:=strconv.Atoi(os.Getenv("ZZ")); seed,_:=strconv.Atoi(os.Getenv("SEED"))
 r:=rand.New(rand.NewPCG(uint64(seed),9)); st:=0
 for range n { if randomPage(t,r){st++} }
 t.Log(st,n)
}
type bcase struct{ Src string; Frag bool; Out []string }
func TestBrowser(t *testing.T){
 n,_:=strconv.Atoi(os.Getenv("ZB")); if n==0 {t.Skip()}
 r:=rand.New(rand.NewPCG(4242,9))
 var cases []bcase
 add:=func(src string, frag bool){
  b,e:=around("body"); if frag {b,e="",""}
  files := page.FilesOf(map[string]string{"t.html": b+src+e})
  var p *page.Page[Data]
  if frag { p=page.NewFragmentNamed[Data](files,"t.html") } else { p=page.NewNamed[Data](files,"t.html") }
  set, faults := page.Compile(page.Options{}, files); if len(faults)>0 {return}
  c:=bcase{Src:src,Frag:frag}
  vals:=[][2]string{{"letters","letters"},{hostile[r.IntN(len(hostile))],hostile[r.IntN(len(hostile))]},{hostile[r.IntN(len(hostile))],hostile[r.IntN(len(hostile))]}}
  if !chooses.MatchString(src) { vals=append(vals,[2]string{"",""},[2]string{" "," "}) }
  for _,v:=range vals {
   a,bb:=v[0],v[1]
   d := Data{S: a, S2: bb, L: []string{a, bb}, M: map[string]string{"a": a, "b": bb}, On: true, I: 3, K: Kind(a), P: &Person{Name: a, Age: 1, Home: &Person{Name: bb}},Who: Person{Name: bb}, People: []Person{{Name: a}, {Name: bb}}, LI: []int{1, 2}, Pr: Problem{a}, MP: map[string]Person{"x": {Name: bb}}}
   out,err:=page.Append(nil,set,p,d,&page.Render{Tokens:noTokens{}}); if err!=nil {return}
   c.Out=append(c.Out,strings.ToValidUTF8(string(out),"\ufffd"))
  }
  cases=append(cases,c)
 }
 for _,h:=range honest { for range 20 {add(h,false)} }
 for _,h:=range sharedLanguage { if !asks.MatchString(h) { add(h,false); add(h,true)} }
 old:=len(cases)
 capture=func(s string){ add(s,false); add(s,true) }
 for len(cases)<n { randomPage(t,r) }
 t.Log(old,len(cases))
 js,_:=json.Marshal(cases)
 html:=`<!doctype html><meta charset=utf-8><body><script type="application/json" id=d>`+string(js)+`</script><script>
const cases=JSON.parse(document.getElementById('d').textContent);
function sk(n){let s='';const walk=(n)=>{ if(n.nodeType==1){s+='<'+n.namespaceURI.slice(-4)+':'+n.localName; for(const a of n.attributes){ if(a.name=='rel'&&n.localName=='a')continue; s+=' '+a.name; if(a.name.startsWith('on'))s+='!!!'} s+='>'; if(n.localName=='template'&&n.content)walk(n.content)} else if(n.nodeType==8)s+='<!8>'; for(const c of n.childNodes)walk(c); if(n.nodeType==1)s+='</>'}; walk(n); return s}
function parse(s,f){ if(!f) return new DOMParser().parseFromString(s,'text/html'); const t=document.createElement('template'); t.innerHTML=s; return t.content}
let bad=[];let run=0;
for(const c of cases){ const d0=sk(parse(c.Out[0],c.Frag)); for(const o of c.Out){ run++; const d=parse(o,c.Frag); const k=sk(d); if(k!=d0) bad.push([c.Src,c.Frag,o,k,d0]);
 for(const a of d.querySelectorAll('[href],[src],[action]')){ for(const p of ['href','src','action']){ const v=a.getAttribute(p); if(v===null)continue; let u; try{u=new URL(v,'https://site.test/')}catch(e){continue} if(!['http:','https:','mailto:'].includes(u.protocol)) bad.push([c.Src,'ADDR',v]) } } } }
document.body.innerHTML='';const pre=document.createElement('pre');pre.textContent='RUN '+run+' BAD '+bad.length+'\n'+bad.slice(0,10).map(b=>JSON.stringify(b)).join('\n');document.body.append(pre);
</script>`
 os.WriteFile("/tmp/cases.html",[]byte(html),0o644)
}
