//! 现场核验: what speaks against a photo having been taken at the place and at the time, or for this ticket. Doubts are written down with
//! their values and never refuse anything: a browser that strips EXIF and a phone with a wrong clock are no lies.

use serde::{Deserialize, Serialize};

use super::policy::Policy;
use super::state::Stage;
use super::words::words;
use crate::geo::{LonLat, distance_m};
use crate::time::Moment;

words! {
    /// What may be doubted about a photo.
    PhotoFlag {
        /// The camera's place lies far from the ticket's; metres.
        FarFromPlace = "far_from_place", "拍摄地点距现场较远", "taken far from the place";
        /// The phone's position lies far from the ticket's place; metres.
        SentFarFromPlace = "sent_far_from_place", "提交时距现场较远", "sent far from the place";
        /// The camera's place lies far from the phone's position; metres.
        PlacesDiffer = "places_differ", "拍摄地点与手机定位不一致", "camera and phone were not at one place";
        /// Neither the camera nor the phone says where it was.
        NoPosition = "no_position", "没有位置信息", "no position";
        /// The phone's position was old when it was sent; seconds.
        PositionOld = "position_old", "手机定位已过时", "the phone's position was old";
        /// Taken long before it was sent; seconds.
        TakenLongBefore = "taken_long_before", "拍摄时间过早", "taken long before it was sent";
        /// A photo of the result or of the check that is older than the ticket; seconds.
        TakenBeforeTicket = "taken_before_ticket", "拍摄于案件上报之前", "taken before the ticket was opened";
        /// The camera's time lies ahead; seconds.
        TakenInFuture = "taken_in_future", "拍摄时间晚于当前时间", "taken in the future";
        /// The camera recorded no time.
        NoCameraTime = "no_camera_time", "没有拍摄时间", "no time of the camera";
        /// The same or a near picture was sent under another ticket; bits in which their hashes differ.
        Reused = "reused", "照片曾用于其他案卷", "sent before under another ticket";
        /// The same or a near picture stands at an earlier stage of the ticket; bits in which their hashes differ.
        Repeated = "repeated", "与本案此前阶段的照片相同或近似", "looks like a photo of an earlier stage";
    }
}

/// One doubt with its value: metres, seconds or bits, as the flag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// What.
    pub flag: PhotoFlag,
    /// How far, how long, or in how many bits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<i64>,
}

/// What camera and phone said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sighting {
    /// Camera time, as EXIF claims it.
    pub camera_at: Option<Moment>,
    /// Camera place, as EXIF claims it, WGS-84.
    pub camera_place: Option<LonLat>,
    /// Where the phone was when the photo was handed in, WGS-84, and when the phone took that.
    pub phone: Option<(LonLat, Moment)>,
}

/// That with which a photo is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scene {
    /// The ticket's place, WGS-84.
    pub place: LonLat,
    /// When the ticket was opened; none for the photos that open it.
    pub opened_at: Option<Moment>,
    /// When the photo was handed in.
    pub now: Moment,
}

/// The doubts about where and when a photo of a stage was taken, in the order of [`PhotoFlag::ALL`].
pub fn doubts(seen: &Sighting, stage: Stage, scene: &Scene, policy: &Policy) -> Vec<Doubt> {
    let mut found = Vec::new();
    places(seen, scene, policy, &mut found);
    times(seen, stage, scene, policy, &mut found);
    found.sort_by_key(|doubt| doubt.flag);
    found
}

fn places(seen: &Sighting, scene: &Scene, policy: &Policy, found: &mut Vec<Doubt>) {
    let far = |flag, from: LonLat, to: LonLat| {
        // The earth is smaller than the range of the number.
        let metres = distance_m(from, to).round() as i64;
        (metres > i64::from(policy.photo_distance_m)).then_some(Doubt { flag, value: Some(metres) })
    };
    let phone = seen.phone.map(|(place, _)| place);
    found.extend(seen.camera_place.and_then(|camera| far(PhotoFlag::FarFromPlace, camera, scene.place)));
    found.extend(phone.and_then(|phone| far(PhotoFlag::SentFarFromPlace, phone, scene.place)));
    if let (Some(camera), Some(phone)) = (seen.camera_place, phone) {
        found.extend(far(PhotoFlag::PlacesDiffer, camera, phone));
    }
    if seen.camera_place.is_none() && phone.is_none() {
        found.push(Doubt { flag: PhotoFlag::NoPosition, value: None });
    }
    if let Some((_, taken_at)) = seen.phone {
        let age = seconds(taken_at, scene.now);
        // A position from the future is as good as an old one: it says nothing of where the phone is.
        if age > i64::from(policy.check_position_age_s) || -age > i64::from(policy.photo_ahead_s) {
            found.push(Doubt { flag: PhotoFlag::PositionOld, value: Some(age) });
        }
    }
}

fn times(seen: &Sighting, stage: Stage, scene: &Scene, policy: &Policy, found: &mut Vec<Doubt>) {
    let Some(taken) = seen.camera_at else {
        found.push(Doubt { flag: PhotoFlag::NoCameraTime, value: None });
        return;
    };
    let ahead = i64::from(policy.photo_ahead_s);
    let age = seconds(taken, scene.now);
    if age > i64::from(policy.photo_age_s) {
        found.push(Doubt { flag: PhotoFlag::TakenLongBefore, value: Some(age) });
    }
    if -age > ahead {
        found.push(Doubt { flag: PhotoFlag::TakenInFuture, value: Some(-age) });
    }
    if let (Stage::After | Stage::Check, Some(opened)) = (stage, scene.opened_at) {
        let before = seconds(taken, opened);
        if before > ahead {
            found.push(Doubt { flag: PhotoFlag::TakenBeforeTicket, value: Some(before) });
        }
    }
}

/// Whole seconds from one instant to another.
fn seconds(from: Moment, to: Moment) -> i64 {
    to.millis().saturating_sub(from.millis()).div_euclid(1000)
}
