//! Filters by chance, and what plain SQL finds by them in all rows. A benchmark uses it as well.

use fixture_ledger::record::Purpose;
use fixture_ledger::report::{Reached, RunFilter, SerialFilter, Sort};
use fixture_ledger::yields::QUARTER;
use fixture_link::identity::{LaneId, RunId};
use fixture_link::verdict::{Outcome, VerdictCode};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use uuid::Uuid;

const DAY: i64 = 96 * QUARTER;

/// What is in the ledger, to ask for.
pub struct Known {
    /// Runs.
    pub runs: i64,
    /// When the first was seated.
    pub first: i64,
    /// When the last was.
    pub last: i64,
    lots: Vec<String>,
    work_orders: Vec<String>,
    /// Who ran them, and somebody who did not.
    pub operators: Vec<String>,
    recipes: Vec<String>,
    software: Vec<String>,
}

impl Known {
    /// Looks.
    pub fn of(connection: &Connection) -> Self {
        let texts = |query: &str| -> Vec<String> {
            let mut statement = connection.prepare(query).expect("a query");
            let rows = statement.query_map([], |row| row.get(0)).expect("rows");
            rows.map(|row| row.expect("a text")).collect()
        };
        let number = |query: &str| connection.query_row(query, [], |row| row.get(0)).expect("a number");
        let and_none = |mut texts: Vec<String>| {
            texts.push("none of them".to_owned());
            texts
        };
        Self {
            runs: number("SELECT max(number) FROM run"),
            first: number("SELECT min(seated) FROM run"),
            last: number("SELECT max(seated) FROM run"),
            lots: and_none(texts("SELECT DISTINCT lot FROM batch")),
            work_orders: and_none(texts("SELECT DISTINCT work_order FROM batch")),
            operators: and_none(texts("SELECT DISTINCT operator FROM batch")),
            recipes: and_none(texts("SELECT DISTINCT recipe FROM setup")),
            software: and_none(texts("SELECT DISTINCT software FROM setup")),
        }
    }

    /// A filter, half of them of a page deep in the list.
    pub fn filter(&self, chance: &mut ChaCha8Rng, connection: &Connection, kind: Pages) -> RunFilter {
        let mut filter = RunFilter::default();
        let prefix = |chance: &mut ChaCha8Rng| {
            let serial = format!("SN-{:08}", chance.random_range(1..=self.runs));
            let length = chance.random_range(1..=serial.len());
            let prefix: String = serial.chars().take(length).collect();
            match chance.random_range(0..10_u8) {
                0 => "GOLD".to_owned(),
                1 => "none".to_owned(),
                _ => prefix,
            }
        };
        let others = match kind {
            Pages::NoFilter => 0,
            Pages::OneCondition => 1,
            Pages::SerialPrefix => {
                filter.serial = Some(SerialFilter::BeginsWith(prefix(chance)));
                0
            }
            Pages::TwoOrThree => chance.random_range(2..=3),
            Pages::PrefixAndOthers => {
                filter.serial = Some(SerialFilter::BeginsWith(prefix(chance)));
                chance.random_range(1..=2)
            }
        };
        for _ in 0..others {
            self.condition(chance, &mut filter);
        }
        if chance.random_bool(0.5) {
            filter.sort = Sort::Oldest;
        }
        // A page deep in the list.
        if chance.random_bool(0.5) {
            let number = chance.random_range(1..=self.runs);
            let query = "SELECT seated || '-' || number FROM run WHERE number = ?1";
            let place: String = connection.query_row(query, [number], |row| row.get(0)).expect("a run");
            filter.before = Some(place.parse().expect("a place"));
        }
        filter
    }

    fn condition(&self, chance: &mut ChaCha8Rng, filter: &mut RunFilter) {
        match chance.random_range(0..11_u8) {
            0 => filter.outcome = Some(Outcome::ALL[chance.random_range(0..Outcome::ALL.len())]),
            1 => filter.code = Some(VerdictCode::ALL[chance.random_range(0..VerdictCode::ALL.len())]),
            2 => filter.lane = LaneId::new(chance.random_range(1..=5)).ok(),
            3 => filter.lot = Some(one_of(chance, &self.lots)),
            4 => filter.work_order = Some(one_of(chance, &self.work_orders)),
            5 => filter.operator = Some(one_of(chance, &self.operators)),
            6 => filter.recipe = Some(one_of(chance, &self.recipes)),
            7 => filter.software = Some(one_of(chance, &self.software)),
            8 => filter.purpose = Some(Purpose::ALL[chance.random_range(0..Purpose::ALL.len())]),
            9 => filter.reached = Some(Reached::ALL[chance.random_range(0..Reached::ALL.len())]),
            _ => {
                let from = chance.random_range(self.first..=self.last);
                filter.from = Some(from);
                filter.until = Some(from + chance.random_range(1..=200) * DAY);
            }
        }
    }
}

fn one_of(chance: &mut ChaCha8Rng, texts: &[String]) -> String {
    texts[chance.random_range(0..texts.len())].clone()
}

/// Kinds of pages of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    NoFilter,
    OneCondition,
    SerialPrefix,
    TwoOrThree,
    PrefixAndOthers,
}

impl Pages {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::NoFilter,
        Self::OneCondition,
        Self::SerialPrefix,
        Self::TwoOrThree,
        Self::PrefixAndOthers,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoFilter => "page of runs, no filter",
            Self::OneCondition => "page of runs, one condition",
            Self::SerialPrefix => "page of runs, a serial's beginning",
            Self::TwoOrThree => "page of runs, two or three conditions",
            Self::PrefixAndOthers => "page of runs, a serial's beginning and others",
        }
    }
}

/// The runs that plain SQL finds, by reading all rows.
pub fn ids(connection: &Connection, condition: &str, values: Vec<Value>) -> Vec<RunId> {
    let query = format!("SELECT id FROM run NOT INDEXED WHERE {condition}");
    let mut statement = connection.prepare(&query).expect("a query");
    let rows = statement
        .query_map(params_from_iter(values), |row| row.get::<_, Vec<u8>>(0))
        .expect("rows");
    rows.map(|row| RunId(Uuid::from_slice(&row.expect("a row")).expect("an id")))
        .collect()
}

/// A page of fifty as plain SQL over all rows.
pub fn plain_filter(filter: &RunFilter) -> (String, Vec<Value>) {
    let mut conditions = vec!["true".to_owned()];
    let mut values = Vec::new();
    let mut is = |column: &str, value: Option<Value>| {
        if let Some(value) = value {
            values.push(value);
            conditions.push(format!("{column} ?{}", values.len()));
        }
    };
    let text = |text: &Option<String>| text.clone().map(Value::Text);
    let name = |name: Option<&str>| name.map(|name| Value::Text(name.to_owned()));
    match &filter.serial {
        Some(SerialFilter::Is(serial)) => is("serial =", Some(Value::Text(serial.clone()))),
        Some(SerialFilter::BeginsWith(prefix)) => {
            // None of the beginnings holds a letter that GLOB reads as something else.
            is("serial GLOB", Some(Value::Text(format!("{prefix}*"))));
        }
        None => {}
    }
    is("outcome =", name(filter.outcome.map(Outcome::as_str)));
    is("code =", name(filter.code.map(VerdictCode::as_str)));
    is("lane =", filter.lane.map(|lane| Value::Integer(lane.number().into())));
    is("lot =", text(&filter.lot));
    is("work_order =", text(&filter.work_order));
    is("operator =", text(&filter.operator));
    is(
        "(SELECT recipe FROM setup WHERE setup.number = run.setup) =",
        text(&filter.recipe),
    );
    is(
        "(SELECT software FROM setup WHERE setup.number = run.setup) =",
        text(&filter.software),
    );
    is("purpose =", name(filter.purpose.map(Purpose::as_str)));
    is(
        "outcome IS NOT NULL AND reached =",
        filter.reached.map(|reached| Value::Integer(i64::from(reached as u8))),
    );
    is("seated >=", filter.from.map(Value::Integer));
    is("seated <", filter.until.map(Value::Integer));
    let (beyond, order) = match filter.sort {
        Sort::Newest => ("<", "DESC"),
        Sort::Oldest => (">", "ASC"),
    };
    if let Some(place) = filter.before {
        let place = place.to_string();
        let (seated, number) = place.split_once('-').expect("a place");
        conditions.push(format!("(seated, number) {beyond} ({seated}, {number})"));
    }
    let condition = format!(
        "{} ORDER BY seated {order}, number {order} LIMIT 50",
        conditions.join(" AND ")
    );
    (condition, values)
}
