//! Reviews of what is sold: writing, changing, removing, looking.

use surehold_actors::address::Sent;
use surehold_actors::reviews::{Reply, ReviewsMsg};
use surehold_actors::shelf::Loaded;
use surehold_actors::stream::{self, OfferingKey};
use surehold_domain::id::{MarketId, OfferingId, ReviewId};
use surehold_domain::review::{Input, Opinion, Review};
use tokio::sync::oneshot;

use super::lists::{page, unreadable};
use super::{Engine, Market, within};
use crate::core::Core;
use crate::gate::Work;
use crate::limits::{PAGE_MAX, SETTLE_WAIT};
use crate::refusal::Refusal;
use crate::view::{Page, ReviewView};
use crate::views::Whose;

impl Engine {
    /// Writes a review of something that is sold.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a bad value, [`Refusal::NotFound`] if nothing is sold under this
    /// number, or no longer.
    pub async fn write_review(
        &self,
        market: Market,
        offering: OfferingId,
        opinion: Opinion,
    ) -> Result<ReviewView, Refusal> {
        check(&opinion)?;
        let core = self.core()?;
        let market = self.market_id(&core, market);
        if core.find_offering(OfferingKey { market, offering })?.is_none() {
            return Err(Refusal::NotFound { kind: "offering", id: offering.0 });
        }
        let written = self
            .ask_reviews(&core, |reply| ReviewsMsg::Write { market, offering, opinion, reply })
            .await?;
        written.ok_or_else(|| Refusal::Fault("a review did not begin".to_owned()))
    }

    /// Has a review say something else.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a bad value, [`Refusal::NotFound`] if there is no such review, or no
    /// longer.
    pub async fn change_review(
        &self,
        market: Market,
        review: ReviewId,
        opinion: Opinion,
    ) -> Result<ReviewView, Refusal> {
        check(&opinion)?;
        self.edit_review(market, review, Input::Change(opinion)).await
    }

    /// Takes a review away.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such review, or no longer.
    pub async fn remove_review(&self, market: Market, review: ReviewId) -> Result<(), Refusal> {
        self.edit_review(market, review, Input::Remove).await.map(|_| ())
    }

    async fn edit_review(
        &self,
        market: Market,
        review: ReviewId,
        input: Input,
    ) -> Result<ReviewView, Refusal> {
        let core = self.core()?;
        let market = self.market_id(&core, market);
        let edited = self
            .ask_reviews(&core, |reply| ReviewsMsg::Edit { market, review, input, reply })
            .await?;
        edited.ok_or_else(|| not_found(review))
    }

    /// Asks the reviews, and waits until the answer is durable; `None` if there is no such review.
    async fn ask_reviews(
        &self,
        core: &Core,
        message: impl FnOnce(Reply) -> ReviewsMsg,
    ) -> Result<Option<ReviewView>, Refusal> {
        let _pass = self.inner.gate.enter(Work::Command).await?;
        let (reply, answer) = oneshot::channel();
        if core.post.reviews.send(message(reply)) != Sent::Delivered {
            return Err(Refusal::unavailable("the reviews are down"));
        }
        match within(SETTLE_WAIT, answer).await {
            Some(Some((review, sequence))) => {
                self.durable(core, sequence).await?;
                Ok(Some(view(&review)))
            }
            Some(None) => Ok(None),
            None => {
                Err(Refusal::unavailable("the reviews restarted meanwhile; look, and ask again"))
            }
        }
    }

    /// A review as it stands.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such review, or no longer.
    pub async fn review(&self, market: Market, review: ReviewId) -> Result<ReviewView, Refusal> {
        let core = self.core()?;
        let market = self.market_id(&core, market);
        let (view, sequence) = standing(&core, market, review)?.ok_or_else(|| not_found(review))?;
        self.durable(&core, sequence).await?;
        Ok(view)
    }

    /// A review with its own words, also if it was removed: for those who tell of its events.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there never was one.
    pub async fn review_ever(&self, market: Market, review: ReviewId) -> Result<Review, Refusal> {
        let core = self.core()?;
        let stream = stream::review(self.market_id(&core, market), review);
        let loaded = core.post.shelf.load::<Review>(stream)?;
        let Loaded { machine, sequence } = loaded.ok_or_else(|| not_found(review))?;
        self.durable(&core, sequence).await?;
        Ok(machine)
    }

    /// A page of an offering's reviews, oldest first, after this number.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn reviews_of(
        &self,
        market: Market,
        offering: OfferingId,
        after: u64,
        limit: usize,
    ) -> Result<Page<ReviewView>, Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let market = self.market_id(&core, market);
        let whose = Whose::ReviewsOf(offering);
        let (page, sequence) = page(
            (after, limit),
            |at, most| core.views.numbers_of(market, whose, at, most).map_err(unreadable),
            |number| standing(&core, market, ReviewId(number)),
        )?;
        self.durable(&core, sequence).await?;
        Ok(page)
    }

    /// The reviews of a market, oldest first, after `offset` of them, and how many there are.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn reviews(
        &self,
        market: Market,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<ReviewView>, u64), Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let market = self.market_id(&core, market);
        let rows = core.views.reviews(market, offset, limit.min(PAGE_MAX)).map_err(unreadable)?;
        self.show_all(&core, rows, |number| standing(&core, market, ReviewId(number))).await
    }
}

/// A review that was not taken away, and its last record.
fn standing(
    core: &Core,
    market: MarketId,
    review: ReviewId,
) -> Result<Option<(ReviewView, u64)>, Refusal> {
    let loaded = core.post.shelf.load::<Review>(stream::review(market, review))?;
    let loaded = loaded.filter(|loaded| !loaded.machine.removed);
    Ok(loaded.map(|loaded| (view(&loaded.machine), loaded.sequence)))
}

fn not_found(review: ReviewId) -> Refusal {
    Refusal::NotFound { kind: "review", id: review.0 }
}

fn check(opinion: &Opinion) -> Result<(), Refusal> {
    opinion.check().map_err(|(field, reason)| Refusal::invalid(field, reason))
}

fn view(review: &Review) -> ReviewView {
    let Opinion { customer, rating, text } = review.opinion.clone();
    ReviewView {
        id: review.id,
        offering: review.offering,
        customer,
        rating,
        text,
        written_at: review.written_at,
        updated_at: review.updated_at,
    }
}
