use std::sync::Arc;

use encke_hub::{Access, Answer, Ask, Asker, Authorizer, Denied, Reads};

/// Decides by whatever somebody brings: a token, a key, a signed URL, or nothing.
///
/// Where he has brought something, only those decide that know it, in order, and the first that accepts it says what he
/// may. Only where he has brought nothing at all the others are asked, such as [`ByAddress`](crate::ByAddress). So what is
/// wrong never falls through to what is open.
///
/// ```
/// use encke_auth::{AccessKeys, ByAddress, FirstOf};
/// use encke_hub::Access;
///
/// let keys = AccessKeys::new().with("shop", "kZ3rUq0v9xW7tYb2LmNc", Access::everything())?;
/// let inside = ByAddress::new().with("10.0.0.0/8", Access::open())?;
/// let either = FirstOf::new(keys).or(inside);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FirstOf {
    authorizers: Vec<Arc<dyn Authorizer>>,
}

impl FirstOf {
    /// This one.
    #[must_use]
    pub fn new(authorizer: impl Authorizer) -> Self {
        Self { authorizers: vec![Arc::new(authorizer)] }
    }

    /// These, and then this one.
    #[must_use]
    pub fn or(mut self, authorizer: impl Authorizer) -> Self {
        self.authorizers.push(Arc::new(authorizer));
        self
    }
}

impl Authorizer for FirstOf {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        let anything = self.presented(&ask.asker);
        let concerned = self.authorizers.iter().filter(|known| known.presented(&ask.asker) == anything);
        let concerned: Vec<_> = concerned.cloned().collect();
        if let [only] = &concerned[..] {
            return only.authorize(ask);
        }
        let ask = ask.clone();
        Answer::later(async move {
            let mut refusal = Denied::Unauthenticated;
            for authorizer in concerned {
                match authorizer.authorize(&ask).await {
                    Ok(access) => return Ok(access),
                    // What tells most: that it is not known says only that another may know it.
                    Err(denied) if refusal == Denied::Unauthenticated => refusal = denied,
                    Err(_) => {}
                }
            }
            Err(refusal)
        })
    }

    fn reads(&self) -> Reads {
        self.authorizers.iter().fold(Reads::nothing(), |mut all, authorizer| {
            let Reads { headers, query, extensions, .. } = authorizer.reads();
            all.query |= query;
            all.extensions |= extensions;
            let headers: Vec<_> = headers.into_iter().filter(|name| !all.headers.contains(name)).collect();
            all.headers(headers)
        })
    }

    fn presented(&self, asker: &Asker) -> bool {
        self.authorizers.iter().any(|authorizer| authorizer.presented(asker))
    }
}
