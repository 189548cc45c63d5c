//! A frame of 64 bytes to another process and back over iceoryx2. Both processes ask for the next
//! sample without a pause ("busy").
//!
//!     iceoryx2-peer COUNT
//!
//! Prints microseconds, one line per round trip. The other process is this program again.

use std::error::Error;
use std::hint::spin_loop;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use iceoryx2::port::{publisher::Publisher, subscriber::Subscriber};
use iceoryx2::prelude::*;

type Frame = [u8; 64];
type Failure = Box<dyn Error>;

/// Neither process runs longer, even if the other one has ended.
const LIFE: Duration = Duration::from_secs(120);

/// The two directions of this process.
struct Ends {
    publisher: Publisher<ipc::Service, Frame, ()>,
    subscriber: Subscriber<ipc::Service, Frame, ()>,
    born: Instant,
}

impl Ends {
    fn open(node: &Node<ipc::Service>, sends: &str, receives: &str) -> Result<Self, Failure> {
        let service = |name: &str| -> Result<_, Failure> {
            Ok(node
                .service_builder(&name.try_into()?)
                .publish_subscribe::<Frame>()
                .open_or_create()?)
        };
        Ok(Ends {
            publisher: service(sends)?.publisher_builder().create()?,
            subscriber: service(receives)?.subscriber_builder().create()?,
            born: Instant::now(),
        })
    }

    fn send(&self, frame: Frame) -> Result<(), Failure> {
        self.publisher.loan_uninit()?.write_payload(frame).send()?;
        Ok(())
    }

    fn receive(&self) -> Result<Frame, Failure> {
        for tries in 0u64.. {
            if let Some(sample) = self.subscriber.receive()? {
                return Ok(*sample);
            }
            if tries % 1_000_000 == 999_999 && self.born.elapsed() > LIFE {
                break;
            }
            spin_loop();
        }
        Err("the other process does not answer".into())
    }
}

/// The second byte of the frame that ends the other process, so that it removes what it has made.
const STOP: u8 = 1;

fn answer(ends: &Ends) -> Result<(), Failure> {
    loop {
        let frame = ends.receive()?;
        if frame[1] == STOP {
            return Ok(());
        }
        ends.send(frame)?;
    }
}

/// Sends until the other process has answered: it may not be there yet.
fn meet(ends: &Ends, node: &Node<ipc::Service>) -> Result<(), Failure> {
    while ends.born.elapsed() < LIFE {
        ends.send([0; 64])?;
        node.wait(Duration::from_millis(10))?;
        if ends.subscriber.receive()?.is_some() {
            return Ok(());
        }
    }
    Err("the other process does not begin".into())
}

fn main() -> Result<(), Failure> {
    set_log_level(LogLevel::Error);
    let args: Vec<String> = std::env::args().collect();
    let node = NodeBuilder::new().create::<ipc::Service>()?;
    if let [_, role, name] = &args[..] {
        assert_eq!(role, "answer");
        let ends = Ends::open(&node, &format!("{name}/back"), &format!("{name}/to"))?;
        return answer(&ends);
    }
    let count: usize = args.get(1).ok_or("a count is missing")?.parse()?;
    let name = format!("streamlib-bench-{}", std::process::id());
    let ends = Ends::open(&node, &format!("{name}/to"), &format!("{name}/back"))?;
    let mut other = Command::new(std::env::current_exe()?)
        .args(["answer", &name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let measured = measure(&ends, &node, count);
    match &measured {
        Ok(_) => ends.send([STOP; 64])?,
        Err(_) => other.kill()?,
    }
    other.wait()?;
    for us in measured? {
        println!("{us:.3}");
    }
    Ok(())
}

fn measure(ends: &Ends, node: &Node<ipc::Service>, count: usize) -> Result<Vec<f64>, Failure> {
    meet(ends, node)?;
    // The answers to further frames of the meeting.
    node.wait(Duration::from_millis(50))?;
    while ends.subscriber.receive()?.is_some() {}
    let warm_up = count / 4;
    let mut measured = Vec::with_capacity(count);
    for i in 0..count + warm_up {
        let began = Instant::now();
        let mut frame = [0; 64];
        frame[0] = i as u8;
        ends.send(frame)?;
        let frame = ends.receive()?;
        let us = began.elapsed().as_secs_f64() * 1e6;
        assert_eq!(frame[0], i as u8);
        if i >= warm_up {
            measured.push(us);
        }
    }
    Ok(measured)
}
