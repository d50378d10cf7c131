//! Throwaway.
use surehold_storage::*; use std::time::Instant; use bytes::Bytes; use std::path::Path;
fn rec(n: usize)->NewRecord{NewRecord{stream:Stream{kind:1,group:1,id:7},number:1,bytes:Bytes::from(vec![7u8;n])}}
fn main(){
  let a:Vec<String>=std::env::args().collect(); let dir=Path::new(&a[2]); let rt=tokio::runtime::Builder::new_current_thread().build().unwrap();
  match a[1].as_str(){
   "lat"=>{ let j=RedbJournal::open(dir).unwrap(); let mut v=vec![]; for _ in 0..2000{let t=Instant::now(); let s=j.append(vec![rec(120)]).unwrap(); rt.block_on(j.durable().reached(s)).unwrap(); v.push(t.elapsed());} v.sort(); println!("latency p50 {:?} p99 {:?}",v[1000],v[1980]); }
   "thr"=>{ let j=RedbJournal::open(dir).unwrap(); let win:usize=a[3].parse().unwrap(); let total=1_000_000usize; let t=Instant::now();
      let threads:usize=4; let hs:Vec<_>=(0..threads).map(|_|{let j=j.clone(); std::thread::spawn(move||{let rt=tokio::runtime::Builder::new_current_thread().build().unwrap(); let mut q=std::collections::VecDeque::new(); for _ in 0..total/threads{ q.push_back(j.append(vec![rec(120)]).unwrap()); if q.len()>=win/threads { let s=q.pop_front().unwrap(); rt.block_on(j.durable().reached(s)).unwrap(); } } rt.block_on(j.durable().reached(*q.back().unwrap())).unwrap(); })}).collect(); for h in hs{h.join().unwrap()}
      let e=t.elapsed(); println!("window {win}: {:.0} rec/s, disk {} MB", total as f64/e.as_secs_f64(), j.size_on_disk()>>20); 
      j.close(); let j=RedbJournal::open(dir).unwrap(); let t=Instant::now(); let mut after=0; let mut n=0; loop{ let r=j.read_from(after,1000).unwrap(); if r.is_empty(){break} n+=r.len(); after=r.last().unwrap().sequence;} println!("cold-tail read {n} in {:?}",t.elapsed()); }
   "fill"=>{ let j=RedbJournal::open(dir).unwrap(); let frames:usize=a[3].parse().unwrap(); let per:usize=a[4].parse().unwrap(); let t=Instant::now(); for _ in 0..frames{ let s=j.append(vec![rec(120);per]).unwrap(); rt.block_on(j.durable().reached(s)).unwrap();} println!("filled {:?} disk {} MB last {}",t.elapsed(), j.size_on_disk()>>20, j.last()); std::process::abort(); }
   "open"=>{ let t=Instant::now(); let j=RedbJournal::open(dir).unwrap(); println!("open {:?} last {}",t.elapsed(), j.last());}
   "sled"=>{ let s=SledSnapshots::open(dir).unwrap(); let t=Instant::now(); let mut sy=std::time::Duration::ZERO; for b in 0..500u64{ let ch=(0..100u64).map(|i|Change::Put{space:Space(1),key:((b*100+i)%20000).to_be_bytes().to_vec(),value:vec![b as u8;600]}).collect(); s.apply(ch).unwrap(); let t=Instant::now(); s.sync().unwrap(); sy+=t.elapsed(); } println!("sled 50k puts of 600B in {:?}, sync mean {:?}, disk {} MB",t.elapsed(), sy/500, s.size_on_disk()>>20); let t=Instant::now(); drop(s); let s=SledSnapshots::open(dir).unwrap(); println!("reopen {:?}",t.elapsed()); let t=Instant::now(); for i in 0..20000u64{ s.get(Space(1),&i.to_be_bytes()).unwrap().unwrap(); } println!("20k gets {:?}",t.elapsed()); }
   _=>{} } }
