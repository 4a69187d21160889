//! What a hub's store promises, asked of each store alike.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects, and fails")]

mod console;
mod contents;
mod edge;
mod enrolment;
mod fleet;
mod limits;
#[cfg(feature = "postgres")]
mod load;
mod locks;
mod migration;
mod older;
mod operators;
mod orphaned_rows;
#[cfg(feature = "postgres")]
mod postgres_hangs;
#[cfg(feature = "postgres")]
mod postgres_killed;
#[cfg(feature = "postgres")]
mod postgres_older;
#[cfg(feature = "postgres")]
mod postgres_promoted;
#[cfg(feature = "postgres")]
mod postgres_roles;
#[cfg(feature = "postgres")]
#[path = "../support/postgres.rs"]
mod postgres_server;
#[cfg(feature = "postgres")]
mod postgres_walls;
mod proposals;
mod pushes;
mod quarantine;
mod reading;
mod resets;
mod retention;
mod side_by_side;
mod stages;
mod tenants;
mod tokens;

use std::path::PathBuf;

#[cfg(feature = "postgres")]
use telecomx_local::sync::hub::postgres::{Address, PostgresHub};
use telecomx_local::sync::hub::sqlite::SqliteHub;
use telecomx_local::sync::hub::store::HubStore;
use tempfile::TempDir;

/// Where a store is, of a test's own; it can be opened more than once.
pub trait Place: Sync {
    type Store: HubStore;
    fn open(&self) -> Self::Store;
    /// What this SQL counts, past the store.
    fn count(&self, sql: &str) -> i64;
}

struct SqlitePlace {
    folder: TempDir,
}

impl Place for SqlitePlace {
    type Store = SqliteHub;

    fn open(&self) -> SqliteHub {
        let path: PathBuf = self.folder.path().join("hub.db");
        SqliteHub::open(&path).unwrap()
    }

    fn count(&self, sql: &str) -> i64 {
        let conn = rusqlite::Connection::open(self.folder.path().join("hub.db")).unwrap();
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

#[cfg(feature = "postgres")]
struct PostgresPlace {
    url: String,
}

#[cfg(feature = "postgres")]
impl Place for PostgresPlace {
    type Store = PostgresHub;

    fn open(&self) -> PostgresHub {
        edge::block_on(PostgresHub::open(&Address { url: self.url.clone(), ca: None })).unwrap()
    }

    fn count(&self, sql: &str) -> i64 {
        let superuser = postgres_server::Postgres::as_superuser(&self.url);
        postgres_server::connected(&superuser, async |client| client.query_one(sql, &[]).await.unwrap().get(0))
    }
}

/// Each of these, on each store.
macro_rules! on_every_store {
    ($($subject:ident: $($test:ident),+;)+) => {
        mod sqlite {
            $($(
                #[test]
                fn $test() {
                    super::$subject::$test(&super::SqlitePlace { folder: tempfile::tempdir().unwrap() });
                }
            )+)+
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $($(
                #[test]
                fn $test() {
                    super::$subject::$test(&super::PostgresPlace { url: super::postgres_server::shared().database() });
                }
            )+)+
        }
    };
}

on_every_store! {
    console:
        an_operator_works_in_the_console_by_a_cookie;
    contents:
        a_content_is_kept_once_for_its_origin_and_every_row_reads_as_it_was_sent,
        contents_that_nothing_refers_to_are_removed_and_no_others,
        a_reset_that_brings_the_same_configs_again_loses_none,
        a_quarantined_write_comes_out_with_its_content,
        a_content_that_was_damaged_is_mended_by_the_next_row_that_has_it,
        a_content_counts_once_in_what_an_origin_stores,
        a_move_takes_contents_along_and_a_removal_leaves_none,
        over_http_contents_and_rows_that_do_not_belong_together_are_refused_whole;
    enrolment:
        a_code_is_spent_once,
        a_code_for_a_replacement_shuts_the_old_token_out,
        a_token_leads_to_its_origin_and_no_other_does,
        codes_that_nobody_spends_are_forgotten;
    pushes:
        a_push_is_taken_exactly_when_it_builds_on_what_is_there,
        rows_are_put_replaced_and_removed,
        what_comes_twice_late_or_out_of_order_changes_nothing,
        an_exchange_with_nothing_to_say_changes_nothing_but_what_the_fleet_page_shows,
        parts_are_seen_with_the_push_that_names_them_and_not_before,
        parts_of_a_batch_that_was_given_up_are_not_mixed_into_another,
        a_row_that_stands_twice_in_a_batch_is_as_it_stands_last,
        what_was_answered_is_there_when_the_store_is_opened_again,
        text_comes_back_as_it_was_given;
    resets:
        a_reset_takes_the_place_of_all_there_was,
        a_reset_goes_by_parts_and_is_seen_whole,
        an_older_epoch_resets_nothing;
    stages:
        a_part_follows_the_newest_one_or_changes_nothing,
        an_edge_asks_what_is_staged_also_of_a_hub_that_was_started_anew,
        a_reset_is_known_with_its_first_part_and_over_with_its_push;
    quarantine:
        a_write_with_a_bad_row_is_quarantined_whole_while_the_rest_flows,
        what_nobody_could_read_is_quarantined_and_what_only_looks_like_it_is_taken,
        a_write_that_is_mended_is_taken_with_all_its_rows,
        a_table_that_is_not_known_is_refused_alone,
        a_row_of_a_table_that_has_become_known_is_known_by_it,
        parts_with_rows_of_a_table_that_is_not_known_come_again_to_a_hub_that_is_started_anew,
        a_write_that_is_spread_over_parts_is_quarantined_whole,
        so_many_bad_rows_that_it_is_not_the_data_change_nothing,
        bad_rows_in_parts_are_quarantined_too,
        ids_that_no_edge_of_ours_makes_are_quarantined_like_others;
    proposals:
        proposals_are_numbered_and_offered_until_they_are_answered,
        a_reset_opens_again_what_may_be_lost_with_it,
        a_proposal_is_completed_from_the_mirror,
        the_same_uuid_again_is_the_same_proposal,
        an_answer_is_noted_with_the_push_that_brings_it,
        answered_proposals_are_forgotten_after_a_quarter,
        one_answer_offers_no_more_than_an_edge_can_take;
    retention:
        a_clock_that_is_wrong_for_a_while_has_nothing_forgotten,
        a_hub_that_was_off_for_long_forgets_after_all,
        a_code_of_a_clock_that_was_wrong_waits_no_longer_than_others,
        a_code_of_more_than_a_week_ago_is_good_for_nothing_before_it_is_forgotten,
        parts_that_nobody_takes_are_forgotten_a_fortnight_after_the_last_of_them,
        parts_of_a_clock_that_was_wrong_are_forgotten_too,
        an_origin_has_one_stage_and_the_newest_counts,
        a_part_that_is_too_much_is_refused_and_changes_nothing;
    locks:
        two_edges_that_take_turns_are_stopped_until_somebody_decides,
        a_replacement_unlocks_what_was_locked;
    limits:
        an_origin_stores_no_more_rows_than_it_may_and_its_deletes_arrive_all_the_same,
        what_was_lost_with_earlier_epochs_counts_too,
        an_origin_stores_no_more_bytes_than_it_may_in_parts_or_at_once,
        what_was_stored_before_it_was_counted_counts,
        an_edge_whose_every_push_is_rejected_is_stuck_until_one_is_accepted,
        that_a_call_was_refused_because_of_a_limit_is_an_alarm_until_a_push_is_accepted,
        over_http_a_server_over_its_limit_is_told_and_shown,
        an_argument_that_is_wrong_is_named_with_its_form;
    orphaned_rows:
        orphaned_rows_are_read_the_newest_first,
        an_origin_that_is_removed_leaves_nothing_and_no_other_is_touched;
    migration:
        an_origin_that_is_leaving_waits_and_one_that_has_moved_says_where_it_is,
        an_origin_arrives_with_all_it_has_and_goes_on,
        an_arrival_is_not_ended_before_it_is_exactly_what_was_announced,
        what_is_here_takes_no_arrival_but_that_which_it_came_by,
        a_row_version_differs_with_everything_in_the_row;
    reading:
        rows_come_in_pages_by_id,
        a_page_has_an_end_in_bytes_too,
        a_scan_is_every_row_and_the_head_they_are_of,
        the_fleet_is_every_origin_by_name,
        an_origin_that_is_not_there_is_404_to_every_call,
        one_origin_never_touches_anothers_rows;
    operators:
        operators_are_added_rotated_and_removed,
        the_administrator_has_the_token_that_was_set_last,
        what_is_done_is_in_the_audit_trail_in_a_chain,
        a_change_that_is_refused_leaves_no_entry,
        what_is_noted_once_is_not_noted_again,
        each_call_needs_its_level_and_no_more,
        a_proposal_has_its_operator_as_the_author,
        that_an_operator_reads_rows_is_noted_once_an_hour;
    tokens:
        both_tokens_are_good_until_the_new_one_is_used,
        a_replacement_revokes_both_tokens,
        a_move_takes_both_tokens_and_the_tags_along,
        a_code_is_spent_again_by_the_same_attempt_only,
        a_code_that_replaces_is_spent_again_until_another_machine_has_the_place,
        a_name_is_of_one_server,
        over_http_a_token_is_revoked_with_the_first_use_of_the_next,
        over_http_a_code_is_spent_again_by_the_same_attempt;
    fleet:
        the_fleet_comes_in_pages_by_name,
        a_page_lists_what_its_filter_names,
        an_acknowledged_alarm_stays_with_who_and_why_until_it_is_another,
        an_acknowledged_audit_alarm_is_cleared_with_the_trail_that_the_edge_has_now,
        what_an_edge_reports_out_of_bounds_is_not_shown_so;
    tenants:
        whatever_names_an_origin_is_for_that_origin_alone;
    side_by_side:
        origins_are_written_to_side_by_side,
        of_two_pushes_on_one_state_one_is_taken,
        a_code_that_many_spend_at_once_lets_one_in,
        entries_that_are_appended_at_once_are_one_chain,
        proposals_filed_at_once_have_numbers_of_their_own;
}
