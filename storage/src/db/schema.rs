//! The tables, one schema for both engines. The migrations are the truth; a test compares.

#![expect(missing_docs, reason = "the columns are documented in the migrations")]

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    districts (code) {
        code -> Integer,
        name -> Text,
        hours -> Text,
        is_demo -> Bool,
        created_at -> BigInt,
    }
}

table! {
    units (id) {
        id -> BigInt,
        district -> Integer,
        code -> Text,
        name -> Text,
        level -> Text,
        parent_id -> Nullable<BigInt>,
        phone -> Nullable<Text>,
        lon -> Nullable<Double>,
        lat -> Nullable<Double>,
    }
}

table! {
    categories (district, code) {
        district -> Integer,
        code -> Text,
        kind -> Text,
        major_code -> Text,
        major_name -> Text,
        minor_code -> Text,
        minor_name -> Text,
        urgent -> Bool,
        filing_condition -> Text,
        limit_amount -> Integer,
        limit_unit -> Text,
        closing_condition -> Text,
        anonymous_allowed -> Bool,
        sensitive -> Bool,
        must_report -> Bool,
    }
}

table! {
    duties (district, category_pattern, territory_code) {
        district -> Integer,
        category_pattern -> Text,
        territory_code -> Text,
        mode -> Text,
        lead_code -> Nullable<Text>,
        assist_codes -> Text,
    }
}

table! {
    calendar_days (district, date) {
        district -> Integer,
        date -> Text,
        name -> Text,
        is_off_day -> Bool,
    }
}

table! {
    meshes (id) {
        id -> BigInt,
        district -> Integer,
        source -> Text,
        is_synthetic -> Bool,
        created_at -> BigInt,
    }
}

table! {
    grid_cells (id) {
        id -> BigInt,
        mesh_id -> BigInt,
        district -> Integer,
        unit_id -> BigInt,
        code -> Text,
        area -> Text,
        valid_from -> BigInt,
        valid_to -> Nullable<BigInt>,
    }
}

table! {
    registry_revision (id) {
        id -> Integer,
        value -> BigInt,
    }
}

table! {
    id_blocks (id) {
        id -> Integer,
        next_id -> BigInt,
    }
}

table! {
    accounts (id) {
        id -> BigInt,
        district -> Integer,
        kind -> Text,
        login -> Nullable<Text>,
        display_name -> Text,
        password_hash -> Nullable<Text>,
        phone_index -> Nullable<Binary>,
        phone_sealed -> Nullable<Binary>,
        is_active -> Bool,
        tokens_from -> BigInt,
        created_at -> BigInt,
        distrusted_until -> Nullable<BigInt>,
        restricted_until -> Nullable<BigInt>,
    }
}

table! {
    posts (account_id, role, unit_id) {
        account_id -> BigInt,
        role -> Text,
        unit_id -> BigInt,
    }
}

table! {
    login_codes (phone_index) {
        phone_index -> Binary,
        code_hash -> Binary,
        expires_at -> BigInt,
        tries -> Integer,
        sent_at -> BigInt,
    }
}

table! {
    throttles (key) {
        key -> Text,
        window_start -> BigInt,
        hits -> Integer,
    }
}

table! {
    idempotency (account_id, key) {
        account_id -> BigInt,
        key -> Text,
        request_hash -> Binary,
        status -> Integer,
        body -> Text,
        created_at -> BigInt,
    }
}

table! {
    photos (id) {
        id -> BigInt,
        district -> Integer,
        account_id -> BigInt,
        sha256 -> Binary,
        media_type -> Text,
        extension -> Text,
        bytes -> BigInt,
        width -> Integer,
        height -> Integer,
        orientation -> Integer,
        taken_at -> Nullable<BigInt>,
        gps_lon -> Nullable<Double>,
        gps_lat -> Nullable<Double>,
        camera -> Nullable<Text>,
        state -> Text,
        failure -> Nullable<Text>,
        display_width -> Nullable<Integer>,
        display_height -> Nullable<Integer>,
        created_at -> BigInt,
        kind -> Text,
        duration_ms -> Nullable<BigInt>,
        mask_version -> BigInt,
        mask_hash -> Nullable<Binary>,
        rendition -> Nullable<Binary>,
    }
}

table! {
    orphans (object_key) {
        object_key -> Text,
        sha256 -> Binary,
        found_at -> BigInt,
        doomed -> Bool,
    }
}

table! {
    ticket_deltas (id) {
        id -> BigInt,
        district -> Integer,
        grid_id -> BigInt,
        community_id -> BigInt,
        street_id -> BigInt,
        state -> Text,
        category -> Nullable<Text>,
        sensitive -> Bool,
        created_at -> BigInt,
        lon -> Double,
        lat -> Double,
        n -> BigInt,
    }
}

table! {
    ticket_counts (district, unit_id, state, sensitive) {
        district -> Integer,
        unit_id -> BigInt,
        state -> Text,
        sensitive -> Bool,
        n -> BigInt,
    }
}

table! {
    map_cells (district, level, month, y, x, category, stage, sensitive) {
        district -> Integer,
        level -> Integer,
        category -> Text,
        month -> Integer,
        y -> BigInt,
        x -> BigInt,
        stage -> Integer,
        sensitive -> Bool,
        n -> BigInt,
        lon_sum -> BigInt,
        lat_sum -> BigInt,
    }
}

table! {
    order_deltas (id) {
        id -> BigInt,
        district -> Integer,
        unit_id -> BigInt,
        state -> Text,
        n -> BigInt,
    }
}

table! {
    order_counts (district, unit_id, state) {
        district -> Integer,
        unit_id -> BigInt,
        state -> Text,
        n -> BigInt,
    }
}

table! {
    ticket_changes (id) {
        id -> BigInt,
        turn -> BigInt,
        district -> Integer,
        ticket_id -> BigInt,
        seq -> BigInt,
        at -> BigInt,
    }
}

table! {
    reports (id) {
        id -> BigInt,
        district -> Integer,
        receipt -> Text,
        query_code_hash -> Binary,
        account_id -> BigInt,
        anonymous -> Bool,
        contact_sealed -> Nullable<Binary>,
        channel -> Text,
        text -> Text,
        category -> Nullable<Text>,
        datum -> Text,
        lon_sent -> Double,
        lat_sent -> Double,
        lon -> Double,
        lat -> Double,
        address -> Nullable<Text>,
        landmark -> Nullable<Text>,
        cell_id -> BigInt,
        grid_id -> BigInt,
        distance_m -> Double,
        ticket_id -> BigInt,
        created_at -> BigInt,
        consent_version -> Nullable<Text>,
    }
}

table! {
    tickets (id) {
        id -> BigInt,
        district -> Integer,
        number -> Text,
        state -> Text,
        version -> BigInt,
        grid_id -> BigInt,
        community_id -> BigInt,
        street_id -> BigInt,
        category -> Nullable<Text>,
        urgent -> Bool,
        responsible_id -> BigInt,
        holder_account -> Nullable<BigInt>,
        holder_unit -> Nullable<BigInt>,
        holder_until -> Nullable<BigInt>,
        handler_account -> Nullable<BigInt>,
        handler_unit -> Nullable<BigInt>,
        returns -> Integer,
        reworks -> Integer,
        reopens -> Integer,
        rated_round -> Nullable<Integer>,
        title -> Text,
        lon -> Double,
        lat -> Double,
        created_at -> BigInt,
        updated_at -> BigInt,
        filed_at -> Nullable<BigInt>,
        due_at -> Nullable<BigInt>,
        closed_at -> Nullable<BigInt>,
        last_hash -> Binary,
        sensitive -> Bool,
        parent_id -> Nullable<BigInt>,
        stage_due_at -> Nullable<BigInt>,
        soon_at -> Nullable<BigInt>,
        alarm_at -> Nullable<BigInt>,
        course -> Text,
        merged_into_id -> Nullable<BigInt>,
        held -> Bool,
    }
}

table! {
    false_reports (account_id, ticket_id) {
        account_id -> BigInt,
        ticket_id -> BigInt,
        at -> BigInt,
    }
}

table! {
    restrictions (id) {
        id -> BigInt,
        district -> Integer,
        account_id -> BigInt,
        ticket_id -> BigInt,
        reason -> Text,
        restricted_by -> BigInt,
        created_at -> BigInt,
        until -> BigInt,
        appeal -> Nullable<Text>,
        appealed_at -> Nullable<BigInt>,
        decision -> Nullable<Text>,
        decision_words -> Nullable<Text>,
        decided_by -> Nullable<BigInt>,
        decided_at -> Nullable<BigInt>,
    }
}

table! {
    work_orders (ticket_id, seq) {
        ticket_id -> BigInt,
        seq -> Integer,
        district -> Integer,
        unit_id -> BigInt,
        kind -> Text,
        state -> Text,
        created_at -> BigInt,
        due_at -> BigInt,
        accepted_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        result -> Nullable<Text>,
        timer -> Nullable<Text>,
        handed_by -> Nullable<BigInt>,
    }
}

table! {
    events (ticket_id, seq) {
        ticket_id -> BigInt,
        seq -> BigInt,
        district -> Integer,
        at -> BigInt,
        verb -> Text,
        public -> Bool,
        content -> Text,
        hash -> Binary,
    }
}

table! {
    evidence (ticket_id, photo_id, stage) {
        ticket_id -> BigInt,
        photo_id -> BigInt,
        stage -> Text,
        district -> Integer,
        report_id -> Nullable<BigInt>,
        event_seq -> BigInt,
        created_at -> BigInt,
        compared_at -> Nullable<BigInt>,
    }
}

table! {
    evidence_waiting (ticket_id, photo_id, stage) {
        ticket_id -> BigInt,
        photo_id -> BigInt,
        stage -> Text,
    }
}

table! {
    photo_hashes (photo_id) {
        photo_id -> BigInt,
        hash -> Nullable<BigInt>,
        hashed_at -> BigInt,
        has_near -> Nullable<Bool>,
    }
}

table! {
    evidence_seen_before (ticket_id, photo_id, stage, kind) {
        ticket_id -> BigInt,
        photo_id -> BigInt,
        stage -> Text,
        kind -> Text,
        district -> Integer,
        other_ticket_id -> BigInt,
        other_photo_id -> BigInt,
        other_stage -> Text,
        bits -> Integer,
        found_at -> BigInt,
    }
}

table! {
    followers (id) {
        id -> BigInt,
        ticket_id -> BigInt,
        account_id -> BigInt,
        district -> Integer,
        created_at -> BigInt,
    }
}

table! {
    ratings (ticket_id, round, account_id) {
        ticket_id -> BigInt,
        round -> Integer,
        account_id -> BigInt,
        district -> Integer,
        solved -> Bool,
        stars -> Integer,
        words -> Nullable<Text>,
        created_at -> BigInt,
    }
}

table! {
    jobs (id) {
        id -> BigInt,
        kind -> Text,
        subject -> BigInt,
        state -> Text,
        run_at -> BigInt,
        attempts -> Integer,
        locked_until -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        created_at -> BigInt,
        lease -> Nullable<BigInt>,
        request_id -> Nullable<Text>,
    }
}

table! {
    policies (id) {
        id -> BigInt,
        district -> Integer,
        valid_from -> BigInt,
        content -> Text,
        created_by -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

table! {
    requests (ticket_id, seq) {
        ticket_id -> BigInt,
        seq -> Integer,
        district -> Integer,
        kind -> Text,
        state -> Text,
        unit_id -> BigInt,
        asked_by -> BigInt,
        asked_at -> BigInt,
        decided_by -> Nullable<BigInt>,
        decided_at -> Nullable<BigInt>,
    }
}

table! {
    summons (ticket_id, seq, unit_id) {
        ticket_id -> BigInt,
        seq -> Integer,
        unit_id -> BigInt,
        district -> Integer,
        by_unit_id -> BigInt,
        meet_at -> BigInt,
        answered_at -> Nullable<BigInt>,
        signed_in_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
    }
}

table! {
    call_backs (ticket_id, round) {
        ticket_id -> BigInt,
        round -> Integer,
        district -> Integer,
        called_by -> BigInt,
        called_at -> BigInt,
        solved -> Text,
        result -> Text,
        process -> Text,
        counted -> Bool,
        counted_reason -> Nullable<Text>,
        counted_by -> Nullable<BigInt>,
    }
}

table! {
    notices (ticket_id, event_seq, unit_id) {
        district -> Integer,
        unit_id -> BigInt,
        ticket_id -> BigInt,
        event_seq -> BigInt,
        verb -> Text,
        at -> BigInt,
    }
}

table! {
    absences (id) {
        id -> BigInt,
        district -> Integer,
        account_id -> BigInt,
        substitute_id -> BigInt,
        from_at -> BigInt,
        to_at -> BigInt,
        reason -> Text,
        created_by -> BigInt,
        created_at -> BigInt,
    }
}

table! {
    shifts (id) {
        id -> BigInt,
        district -> Integer,
        unit_id -> BigInt,
        account_id -> BigInt,
        from_at -> BigInt,
        to_at -> BigInt,
    }
}

table! {
    standard_texts (id) {
        id -> BigInt,
        district -> Integer,
        title -> Text,
        verb -> Text,
        category_pattern -> Text,
        body -> Text,
        created_at -> BigInt,
    }
}

table! {
    uploads (id) {
        id -> BigInt,
        district -> Integer,
        account_id -> BigInt,
        name -> Binary,
        media_type -> Text,
        sha256 -> Binary,
        bytes -> BigInt,
        expires_at -> BigInt,
        photo_id -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

table! {
    resumable_uploads (id) {
        id -> BigInt,
        district -> Integer,
        account_id -> BigInt,
        length -> BigInt,
        received -> BigInt,
        metadata -> Nullable<Text>,
        sha256 -> Nullable<Binary>,
        state -> Text,
        photo_id -> Nullable<BigInt>,
        failure -> Nullable<Text>,
        expires_at -> BigInt,
        created_at -> BigInt,
    }
}

table! {
    resumable_parts (name) {
        name -> Binary,
        upload_id -> BigInt,
        start -> BigInt,
        bytes -> BigInt,
        kept -> Bool,
    }
}

table! {
    supervision_orders (id) {
        id -> BigInt,
        district -> Integer,
        number -> Text,
        unit_id -> BigInt,
        text -> Nullable<Text>,
        state -> Text,
        version -> BigInt,
        due_at -> BigInt,
        soon_at -> BigInt,
        pressing_at -> Nullable<BigInt>,
        issued_by -> BigInt,
        issued_at -> BigInt,
        replied_by -> Nullable<BigInt>,
        replied_at -> Nullable<BigInt>,
        accepted_at -> Nullable<BigInt>,
        rounds -> Integer,
        last_hash -> Binary,
        updated_at -> BigInt,
    }
}

table! {
    supervision_tickets (order_id, ticket_id) {
        order_id -> BigInt,
        ticket_id -> BigInt,
    }
}

table! {
    supervision_photos (order_id, event_seq, photo_id) {
        order_id -> BigInt,
        event_seq -> BigInt,
        photo_id -> BigInt,
    }
}

table! {
    supervision_events (order_id, seq) {
        order_id -> BigInt,
        seq -> BigInt,
        district -> Integer,
        at -> BigInt,
        verb -> Text,
        content -> Text,
        hash -> Binary,
    }
}

table! {
    mask_events (photo_id, seq) {
        photo_id -> BigInt,
        seq -> BigInt,
        district -> Integer,
        at -> BigInt,
        verb -> Text,
        content -> Text,
        hash -> Binary,
    }
}

table! {
    exposures (id) {
        id -> BigInt,
        district -> Integer,
        ticket_id -> BigInt,
        photo_id -> BigInt,
        mask_version -> BigInt,
        declared_clean -> Bool,
        text -> Text,
        state -> Text,
        version -> BigInt,
        proposed_by -> BigInt,
        proposed_at -> BigInt,
        decided_by -> Nullable<BigInt>,
        published_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        last_hash -> Binary,
    }
}

table! {
    exposure_events (exposure_id, seq) {
        exposure_id -> BigInt,
        seq -> BigInt,
        district -> Integer,
        at -> BigInt,
        verb -> Text,
        content -> Text,
        hash -> Binary,
    }
}

table! {
    sessions (id) {
        id -> BigInt,
        account_id -> BigInt,
        means -> Text,
        device -> Text,
        created_at -> BigInt,
        last_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

table! {
    anonymised (ticket_id) {
        ticket_id -> BigInt,
        district -> Integer,
        audit_seq -> BigInt,
        at -> BigInt,
    }
}

table! {
    refresh_tokens (hash) {
        hash -> Binary,
        session_id -> BigInt,
        used_at -> Nullable<BigInt>,
        uses -> Integer,
    }
}

table! {
    credentials (account_id) {
        account_id -> BigInt,
        must_change -> Bool,
        factor_sealed -> Nullable<Binary>,
        factor_since -> Nullable<BigInt>,
        factor_step -> BigInt,
    }
}

table! {
    recovery_codes (account_id, hash) {
        account_id -> BigInt,
        hash -> Binary,
        used_at -> Nullable<BigInt>,
    }
}

table! {
    lockouts (key) {
        key -> Text,
        failures -> Integer,
        locks -> Integer,
        locked_until -> BigInt,
        last_at -> BigInt,
    }
}

table! {
    service_keys (id) {
        id -> BigInt,
        district -> Integer,
        account_id -> BigInt,
        name -> Text,
        scopes -> Text,
        hash -> Binary,
        created_by -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

table! {
    privacy_runs (id) {
        id -> BigInt,
        district -> Integer,
        kind -> Text,
        account_id -> Nullable<BigInt>,
        state -> Text,
        asked_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        report -> Text,
        data_sealed -> Nullable<Binary>,
        expires_at -> Nullable<BigInt>,
    }
}

table! {
    subjects (provider, subject) {
        provider -> Text,
        subject -> Binary,
        account_id -> BigInt,
        created_at -> BigInt,
    }
}

table! {
    audit_lines (seq) {
        seq -> BigInt,
        district -> Integer,
        at -> BigInt,
        kind -> Text,
        account_id -> Nullable<BigInt>,
        subject -> Nullable<Text>,
        private -> Nullable<Text>,
        content -> Text,
        hash -> Binary,
    }
}

joinable!(work_orders -> tickets (ticket_id));
joinable!(evidence -> photos (photo_id));
joinable!(evidence -> tickets (ticket_id));
joinable!(followers -> tickets (ticket_id));
joinable!(posts -> accounts (account_id));
joinable!(requests -> tickets (ticket_id));
joinable!(summons -> tickets (ticket_id));
joinable!(notices -> tickets (ticket_id));
joinable!(supervision_tickets -> supervision_orders (order_id));
joinable!(supervision_photos -> photos (photo_id));
joinable!(exposures -> photos (photo_id));
joinable!(exposures -> tickets (ticket_id));
allow_tables_to_appear_in_same_query!(
    tickets,
    work_orders,
    reports,
    events,
    evidence,
    photos,
    ratings,
    requests,
    summons,
    notices,
    photo_hashes,
    evidence_seen_before,
    evidence_waiting,
    followers,
    ticket_changes
);
allow_tables_to_appear_in_same_query!(accounts, posts);
allow_tables_to_appear_in_same_query!(anonymised, tickets);
allow_tables_to_appear_in_same_query!(anonymised, reports);
allow_tables_to_appear_in_same_query!(supervision_orders, supervision_tickets);
allow_tables_to_appear_in_same_query!(supervision_photos, photos);
allow_tables_to_appear_in_same_query!(exposures, photos);
allow_tables_to_appear_in_same_query!(exposures, tickets);
