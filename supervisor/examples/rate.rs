//! x
use surehold::domain::{id::OfferingId, plan::Plan, quantity::Quantity};
use surehold::{Data, Engine, NewOrder, Options};
const MARKET: &str = "name = 'demo'\ncurrency = 'EUR'\n[[offerings]]\nid = 1\nname = 'A seat'\n\
    price = { amount = 1250 }\ninventory = { model = 'seats', capacity = 100000000 }\n[[offerings]]\nid = 2\nname='b'\nprice={amount=100}\ninventory={model='unlimited'}";
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n: u64 = std::env::args().nth(1).unwrap().parse()?;
    let c: u64 = std::env::args().nth(2).unwrap().parse()?;
    let off: u64 = std::env::args().nth(3).unwrap().parse()?;
    let plan = Plan::parse("demo.toml", MARKET)?;
    let dir = std::path::PathBuf::from("/work/rate-data");
    let _ = std::fs::remove_dir_all(&dir);
    let data = if std::env::args().nth(4).is_some() { Data::Memory } else { Data::Folder(dir) };
    let engine = Engine::open(Options::new(data, vec![plan])).await?;
    let market = engine.market("demo")?;
    let t = std::time::Instant::now();
    let mut hs = vec![];
    for w in 0..c {
        let engine = engine.clone();
        hs.push(tokio::spawn(async move {
            for i in 0..n / c {
                let order = NewOrder {
                    customer: format!("c{}", i * c + w),
                    offering: OfferingId(off),
                    quantity: Quantity::ONE,
                    card: Some("7".into()),
                    attributes: Default::default(),
                };
                engine.place(market, order, None).await.unwrap();
            }
        }));
    }
    for h in hs {
        h.await?;
    }
    let e = t.elapsed();
    eprintln!("{} orders in {:?}: {:.0}/s", n, e, n as f64 / e.as_secs_f64());
    let rss = std::fs::read_to_string("/proc/self/status")?;
    for l in rss.lines().filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM")) {
        eprintln!("{l}");
    }
    let t = std::time::Instant::now();
    let a = engine.audit().await?;
    eprintln!("balanced {} {:?} {:?} in {:?}", a.balanced, a.units, a.findings, t.elapsed());
    let t = std::time::Instant::now();
    engine.close().await;
    eprintln!("closed in {:?}", t.elapsed());
    Ok(())
}
