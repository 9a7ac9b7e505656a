use annals_core::AggregateId as _;
use annals_macros::AggregateId;

#[derive(Debug, Clone, PartialEq, AggregateId)]
enum AccountId {
    Number(u64),
}

fn main() {
    let _ = AccountId::from_key("1");
}
