-- +goose Up
DELETE FROM public.note;
