mod case;
mod soundness;
