mod avro;
mod beyond;
mod case;
mod messages;
mod soundness;
