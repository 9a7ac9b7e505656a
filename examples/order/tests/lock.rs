//! What the shop stores cannot change unnoticed. After a change that is meant, `ANNALS_BLESS=1` writes `events.lock`.

annals::schema_lock!("events.lock", order::shop::schemas());
