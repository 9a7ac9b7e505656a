//! From one stored form of an event to the next.

use std::{error::Error, fmt, sync::Arc};

/// A step from one stored form of an event to the next, or from the last of them into the event.
///
/// Nobody implements it: it is there wherever `From` or `TryFrom` is, whose error may be any error.
///
/// ```
/// use annals_core::Upcast;
///
/// struct WithdrawnV1 { euros: u32 }
/// struct WithdrawnV2 { cents: u64 }
///
/// impl From<WithdrawnV1> for WithdrawnV2 {
///     fn from(old: WithdrawnV1) -> Self {
///         Self { cents: u64::from(old.euros) * 100 }
///     }
/// }
///
/// let new: WithdrawnV2 = WithdrawnV1 { euros: 3 }.upcast()?;
/// assert_eq!(new.cents, 300);
/// # Ok::<(), annals_core::UpcastError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no step to `{T}`",
    label = "missing step",
    note = "write `impl From<{Self}> for {T}`; where it can fail `TryFrom`, whose error is a `std::error::Error`"
)]
pub trait Upcast<T> {
    /// Takes the step.
    ///
    /// # Errors
    /// [`UpcastError`], with the error of `TryFrom`.
    fn upcast(self) -> Result<T, UpcastError>;
}

#[diagnostic::do_not_recommend]
impl<S, T> Upcast<T> for S
where
    S: TryInto<T>,
    S::Error: Into<UpcastError>,
{
    fn upcast(self) -> Result<T, UpcastError> {
        self.try_into().map_err(Into::into)
    }
}

/// Why a stored form could not be brought to the next one: any error, or a text.
///
/// Two of them are equal when they say the same.
#[derive(Clone)]
pub struct UpcastError(Arc<dyn Error + Send + Sync>);

impl UpcastError {
    /// The error that says `reason`: lower case, no full stop, the value that was found.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(Arc::from(Box::<dyn Error + Send + Sync>::from(reason.into())))
    }

    /// The error of the step itself.
    #[must_use]
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

// As this is no `Error` itself, every error becomes one of it, so that `?` works in a step.
impl<E: Error + Send + Sync + 'static> From<E> for UpcastError {
    fn from(error: E) -> Self {
        Self(Arc::new(error))
    }
}

impl fmt::Debug for UpcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for UpcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl PartialEq for UpcastError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for UpcastError {}
