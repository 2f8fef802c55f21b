//! The story with rskafka, which has no groups: it remembers offsets by itself. Usage: rskafka-story BOOTSTRAP NAME
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{TimeZone, Utc};
use rskafka::client::error::{Error as ClientError, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::ClientBuilder;
use rskafka::record::Record;

const PARTITIONS: i32 = 3;
const EACH: i64 = 20;
const TIMEOUT_MS: i32 = 10_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn say(what: &str) {
    println!("ok {what}");
}

fn check(holds: bool, what: String) -> Outcome<()> {
    if holds {
        Ok(())
    } else {
        Err(what.into())
    }
}

fn record(partition: i32, n: i64) -> Record {
    Record {
        key: Some(format!("k{partition}-{n}").into_bytes()),
        // A null value and an empty one are different.
        value: match n {
            0 => None,
            1 => Some(Vec::new()),
            _ => Some(format!("v{partition}-{n}").into_bytes()),
        },
        headers: BTreeMap::from([("n".to_owned(), n.to_string().into_bytes())]),
        timestamp: Utc.timestamp_millis_opt(1_700_000_000_000 + n).unwrap(),
    }
}

/// Everything from `offset` to the end, and where the next one goes on.
async fn read(client: &PartitionClient, mut offset: i64) -> Outcome<(Vec<Record>, i64)> {
    let mut all = Vec::new();
    loop {
        // Small answers: batches are cut, and it has to come back for the rest.
        let (records, high_watermark) = client.fetch_records(offset, 1..300, 1_000).await?;
        for one in records {
            check(one.offset == offset, format!("offset {} instead of {offset}", one.offset))?;
            all.push(one.record);
            offset += 1;
        }
        if offset >= high_watermark {
            return Ok((all, offset));
        }
    }
}

async fn story(bootstrap: String, topic: String) -> Outcome<()> {
    let seeds = bootstrap.split(',').map(str::to_owned).collect();
    let client = ClientBuilder::new(seeds).build().await?;
    let controller = client.controller_client()?;
    controller.create_topic(&topic, PARTITIONS, 1, TIMEOUT_MS).await?;
    let again = controller.create_topic(&topic, PARTITIONS, 1, TIMEOUT_MS).await;
    check(
        matches!(again, Err(ClientError::ServerError { protocol_error: ProtocolError::TopicAlreadyExists, .. })),
        format!("a topic that exists was created: {again:?}"),
    )?;
    say("created a topic of 3 partitions, and not twice");

    let mut clients = Vec::new();
    for partition in 0..PARTITIONS {
        clients.push(client.partition_client(&topic, partition, UnknownTopicHandling::Retry).await?);
    }
    let codecs = [
        Compression::NoCompression,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];
    for (partition, client) in clients.iter().enumerate() {
        let mut next = 0;
        while next < EACH {
            let batch: Vec<Record> = (next..next + 2).map(|n| record(partition as i32, n)).collect();
            let offsets = client.produce(batch, codecs[(next / 2) as usize % codecs.len()]).await?;
            check(offsets == [next, next + 1], format!("told {offsets:?} for {next}"))?;
            next += 2;
        }
    }
    say("produced 60 records with every codec, and was told their offsets");

    let mut seen = BTreeSet::new();
    for (partition, client) in clients.iter().enumerate() {
        let (records, next) = read(client, 0).await?;
        check(next == EACH, format!("{next} records in partition {partition}"))?;
        for (n, one) in records.into_iter().enumerate() {
            check(one == record(partition as i32, n as i64), format!("something else came back: {one:?}"))?;
            seen.insert(one.key);
        }
    }
    check(seen.len() as i64 == EACH * PARTITIONS as i64, format!("{} keys", seen.len()))?;
    say("read them all as they were, null and empty values, headers and times too");

    let first = &clients[0];
    first.produce(vec![record(0, EACH)], Compression::NoCompression).await?;
    let (rest, _) = read(first, EACH).await?;
    check(rest == [record(0, EACH)], "going on showed something else than the rest".to_owned())?;
    say("went on from where it had been, and saw only the rest");

    first.delete_records(5, TIMEOUT_MS).await?;
    check(first.get_offset(OffsetAt::Earliest).await? == 5, "the log does not start at 5".to_owned())?;
    check(first.get_offset(OffsetAt::Latest).await? == EACH + 1, "the end has moved".to_owned())?;
    let at = first.get_offset(OffsetAt::Timestamp(Utc.timestamp_millis_opt(1_700_000_000_007).unwrap())).await?;
    check(at == 7, format!("the time of 7 is at {at}"))?;
    let gone = first.fetch_records(0, 1..1_000, 100).await;
    check(
        matches!(gone, Err(ClientError::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. })),
        format!("what was deleted is still there: {gone:?}"),
    )?;
    say("deleted records, listed offsets, also by time");

    controller.delete_topic(&topic, TIMEOUT_MS).await?;
    let left = client.list_topics().await?;
    check(left.iter().all(|one| one.name != topic), "the topic is still listed".to_owned())?;
    say("deleted the topic");
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(bootstrap), Some(name)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: rskafka-story BOOTSTRAP NAME");
        return ExitCode::from(2);
    };
    let outcome = tokio::time::timeout(Duration::from_secs(60), story(bootstrap, format!("{name}-topic"))).await;
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            println!("FAIL {error}");
            ExitCode::FAILURE
        }
        Err(_) => {
            println!("FAIL it takes too long");
            ExitCode::FAILURE
        }
    }
}
