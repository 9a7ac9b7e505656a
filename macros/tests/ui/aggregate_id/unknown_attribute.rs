use annals_core::AggregateId as _;
use annals_macros::AggregateId;

#[derive(Debug, Clone, PartialEq, AggregateId)]
#[aggregate_id(crte = annals_core)]
struct AccountId(u64);

fn main() {
    let _ = AccountId::from_key("1");
}
