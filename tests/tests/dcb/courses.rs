//! Course subscriptions: a course has so many seats, a student takes at most five courses. One decision rests on both, and
//! only on both: other courses and other students go on beside it.

use std::collections::BTreeSet;

use annals::{Boundary, ExecuteError, Executed, Selection, boundary, in_stream, kinds, prelude::*};
use annals_conformance::Harness;
use serde::{Deserialize, Serialize};

use super::application::{Application, at_once, refusal};

const COURSES_MAX: usize = 5;

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "course")]
enum CourseEvent {
    Defined {
        #[tag]
        course: String,
        capacity: u32,
    },
    CapacityChanged {
        #[tag]
        course: String,
        capacity: u32,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "subscription")]
enum SubscriptionEvent {
    Begun {
        #[tag]
        course: String,
        #[tag]
        student: String,
    },
}

/// What decisions about a course depend on.
#[derive(Default, Clone)]
struct Course {
    capacity: Option<u32>,
    taken: u32,
}

impl Boundary for Course {
    type Id = String;
    fn select(course: &String) -> Selection<Self> {
        Selection::of(kinds![CourseEvent::Defined, CourseEvent::CapacityChanged])
            .tag("course", course)
            .or(kinds![SubscriptionEvent::Begun])
            .tag("course", course)
    }
}

impl Evolve<CourseEvent> for Course {
    fn evolve(&mut self, event: &CourseEvent) {
        let (CourseEvent::Defined { capacity, .. } | CourseEvent::CapacityChanged { capacity, .. }) = event;
        self.capacity = Some(*capacity);
    }
}

impl Evolve<SubscriptionEvent> for Course {
    fn evolve(&mut self, SubscriptionEvent::Begun { .. }: &SubscriptionEvent) {
        self.taken += 1;
    }
}

/// What decisions about a student depend on.
#[derive(Default, Clone)]
struct Student {
    courses: BTreeSet<String>,
}

impl Boundary for Student {
    type Id = String;
    fn select(student: &String) -> Selection<Self> {
        Selection::of(kinds![SubscriptionEvent::Begun]).tag("student", student)
    }
}

impl Evolve<SubscriptionEvent> for Student {
    fn evolve(&mut self, SubscriptionEvent::Begun { course, .. }: &SubscriptionEvent) {
        self.courses.insert(course.clone());
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Refusal {
    AlreadyDefined,
    NoSuchCourse,
    SameCapacity,
    FullyBooked,
    AlreadySubscribed,
    TooManyCourses,
}

type Outcome = Result<Executed<()>, ExecuteError<Refusal>>;

async fn define(annals: &Annals, id: &str, capacity: u32) -> Outcome {
    let id = id.to_owned();
    let defining = annals.together(boundary::<Course>(id.clone()), move |course| {
        if course.capacity.is_some() {
            return Err(Refusal::AlreadyDefined);
        }
        course.emit(in_stream("course", &id), CourseEvent::Defined { course: id.clone(), capacity });
        Ok(())
    });
    defining.await
}

async fn change_capacity(annals: &Annals, id: &str, capacity: u32) -> Outcome {
    let id = id.to_owned();
    let changing = annals.together(boundary::<Course>(id.clone()), move |course| {
        match course.capacity {
            None => return Err(Refusal::NoSuchCourse),
            Some(current) if current == capacity => return Err(Refusal::SameCapacity),
            Some(_) => {
                course.emit(in_stream("course", &id), CourseEvent::CapacityChanged { course: id.clone(), capacity })
            }
        }
        Ok(())
    });
    changing.await
}

async fn subscribe(annals: Annals, student: String, course: String) -> Outcome {
    let ids = (course.clone(), student.clone());
    let subscribing = annals.together(boundary::<(Course, Student)>(ids), move |both| {
        let (offered, busy) = &**both;
        if offered.taken >= offered.capacity.ok_or(Refusal::NoSuchCourse)? {
            return Err(Refusal::FullyBooked);
        }
        if busy.courses.contains(&course) {
            return Err(Refusal::AlreadySubscribed);
        }
        if busy.courses.len() >= COURSES_MAX {
            return Err(Refusal::TooManyCourses);
        }
        let begun = SubscriptionEvent::Begun { course: course.clone(), student: student.clone() };
        both.emit(in_stream("student", &student), begun);
        Ok(())
    });
    subscribing.await
}

/// G.38, G.40, G.42.
pub(crate) async fn a_course_is_defined_once_and_then_changed<H: Harness>() {
    let school = Application::<H>::open().await;
    assert_eq!(refusal(change_capacity(&school, "c1", 15).await), Refusal::NoSuchCourse);
    define(&school, "c1", 10).await.expect("it is new");
    assert_eq!(refusal(define(&school, "c1", 15).await), Refusal::AlreadyDefined);
    assert_eq!(refusal(change_capacity(&school, "c1", 10).await), Refusal::SameCapacity);
    change_capacity(&school, "c1", 15).await.expect("it is another capacity");
    assert_eq!(refusal(change_capacity(&school, "c1", 15).await), Refusal::SameCapacity);
}

/// G.44; a larger room lets others in.
pub(crate) async fn a_full_course_takes_nobody<H: Harness>() {
    let school = Application::<H>::open().await;
    let subscribe = async |student: &str| subscribe(school.clone(), student.into(), "c1".into()).await;
    assert_eq!(refusal(subscribe("s1").await), Refusal::NoSuchCourse);
    define(&school, "c1", 3).await.expect("it is new");
    for student in ["s1", "s2", "s3"] {
        subscribe(student).await.expect("there is a seat");
    }
    assert_eq!(refusal(subscribe("s4").await), Refusal::FullyBooked);
    change_capacity(&school, "c1", 4).await.expect("it is another capacity");
    subscribe("s4").await.expect("there is a seat");
}

/// G.46, and a double subscription.
pub(crate) async fn a_student_takes_five_courses_each_once<H: Harness>() {
    let school = Application::<H>::open().await;
    let subscribe = async |course: usize| subscribe(school.clone(), "s1".into(), format!("c{course}")).await;
    for course in 1..=5 {
        define(&school, &format!("c{course}"), 10).await.expect("it is new");
        subscribe(course).await.expect("it is the fifth at most");
        assert_eq!(refusal(subscribe(course).await), Refusal::AlreadySubscribed);
    }
    define(&school, "c6", 10).await.expect("it is new");
    assert_eq!(refusal(subscribe(6).await), Refusal::TooManyCourses);
}

/// C.10, P4: sixteen students and three seats; one student and sixteen courses.
pub(crate) async fn many_at_once_take_exactly_what_there_is<H: Harness>() {
    let school = Application::<H>::open().await;
    for course in 0..16 {
        define(&school, &format!("c{course}"), 3).await.expect("it is new");
    }
    let (in_time, late) = at_once(|student| subscribe(school.clone(), format!("s{student}"), "c0".into())).await;
    assert_eq!((in_time.len(), late), (3, vec![Refusal::FullyBooked; 13]));
    let (taken, refused) = at_once(|course| subscribe(school.clone(), "eager".into(), format!("c{course}"))).await;
    assert_eq!((taken.len(), refused.len()), (COURSES_MAX, 11));
}
